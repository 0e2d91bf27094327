package rules

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func TestPublicIPv4(t *testing.T) {
	for _, test := range []struct {
		blocks []string
		union  uint64
		public uint64
	}{
		{nil, 0, 0},
		{[]string{"0.0.0.0/0"}, 1 << 32, 3_702_390_784},
		{[]string{"0.0.0.0/1", "128.0.0.0/1"}, 1 << 32, 3_702_390_784},
		{slashEights(), 1 << 32, 3_702_390_784},
		{[]string{"203.0.113.0/24", "203.0.113.128/25"}, 256, 256},
		{[]string{"203.0.113.0/25", "203.0.113.128/25", "198.51.100.7/32"}, 257, 257},
		{[]string{"203.0.113.77/24"}, 256, 256}, // host bits
		{[]string{"203.0.113.7"}, 1, 1},         // a bare address
		{[]string{"::ffff:203.0.113.0/120"}, 256, 256},
		{[]string{"10.0.0.0/8"}, 1 << 24, 0},
		{[]string{"10.1.0.0/16", "192.168.7.0/24", "172.16.0.0/12"}, 1<<16 + 256 + 1<<20, 0},
		{[]string{"8.0.0.0/6"}, 67_108_864, 50_331_648}, // 10.0.0.0/8 is in it
		{[]string{"2001:db8::/32"}, 0, 0},
	} {
		var s addressSet
		for _, b := range test.blocks {
			if !s.add(b) {
				t.Errorf("%s is not taken for a block", b)
			}
		}
		var union uint64
		for _, p := range disjoint(s.v4) {
			union += 1 << (32 - p.Bits())
		}
		if public := s.publicIPv4(); union != test.union || public != test.public {
			t.Errorf("%v: %d addresses, %d public; want %d and %d", test.blocks, union, public, test.union, test.public)
		}
	}
}

func slashEights() []string {
	var all []string
	for i := range 256 {
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i)}), 8).String())
	}
	return all
}

func TestNotABlock(t *testing.T) {
	for _, block := range []string{"", "x", "1.2.3.4/33", "1.2.3/24", "01.2.3.4/8", "::/129", "fe80::1%eth0", "1.2.3.4/8 "} {
		if new(addressSet).add(block) {
			t.Errorf("%q is taken for a block", block)
		}
	}
}

// FuzzAddressSet holds the arithmetic against counting intervals, and the answers
// against changes that must not matter: order, repetition, and cutting in halves.
func FuzzAddressSet(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 128, 0, 0, 0, 1})
	f.Add([]byte{8, 0, 0, 0, 6, 10, 0, 0, 0, 8})
	f.Add([]byte{203, 0, 113, 0, 24, 203, 0, 113, 128, 25, 203, 0, 112, 0, 24})
	f.Fuzz(func(t *testing.T, data []byte) {
		var blocks []netip.Prefix
		for ; len(data) >= 5 && len(blocks) < 100; data = data[5:] {
			blocks = append(blocks, netip.PrefixFrom(netip.AddrFrom4([4]byte(data[:4])), int(data[4])%33))
		}
		count := func(blocks []netip.Prefix) (uint64, bool) {
			var s addressSet
			for _, b := range blocks {
				if !s.add(b.String()) {
					t.Fatalf("%s is not taken for a block", b)
				}
			}
			return s.publicIPv4(), s.allIPv4()
		}
		got, all := count(blocks)
		if want := countIntervals(blocks); got != want {
			t.Errorf("%v: %d public addresses, want %d", blocks, got, want)
		}
		var same []netip.Prefix
		for _, b := range blocks {
			same = append(same, b, b)
			if b.Bits() < 32 {
				b = b.Masked()
				upper := b.Addr().As4()
				binary.BigEndian.PutUint32(upper[:], binary.BigEndian.Uint32(upper[:])|1<<(31-b.Bits()))
				same = append(same, netip.PrefixFrom(b.Addr(), b.Bits()+1), netip.PrefixFrom(netip.AddrFrom4(upper), b.Bits()+1))
			}
		}
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(same), func(i, j int) { same[i], same[j] = same[j], same[i] })
		if n, a := count(same); n != got || a != all {
			t.Errorf("%v: %d and %t, but shuffled, doubled and halved %d and %t", blocks, got, all, n, a)
		}
	})
}

// countIntervals counts public addresses another way: by the ends of intervals.
func countIntervals(blocks []netip.Prefix) uint64 {
	type interval struct{ from, to uint64 } // to is beyond the last
	of := func(p netip.Prefix) interval {
		a := p.Masked().Addr().As4()
		from := uint64(binary.BigEndian.Uint32(a[:]))
		return interval{from, from + 1<<(32-p.Bits())}
	}
	ends := []uint64{0, 1 << 32}
	var in, out []interval
	for _, b := range blocks {
		in = append(in, of(b))
	}
	for _, p := range notInternet {
		out = append(out, of(p))
	}
	for _, i := range slices.Concat(in, out) {
		ends = append(ends, i.from, i.to)
	}
	slices.Sort(ends)
	holds := func(is []interval, a uint64) bool {
		return slices.ContainsFunc(is, func(i interval) bool { return i.from <= a && a < i.to })
	}
	var n uint64
	for i := 1; i < len(ends); i++ {
		if a := ends[i-1]; holds(in, a) && !holds(out, a) {
			n += ends[i] - a
		}
	}
	return n
}
