package rules

import (
	"math/big"
	"net/netip"
	"slices"
)

// An addressSet is a union of CIDR blocks. Overlaps count once.
type addressSet struct {
	v4, v6 []netip.Prefix
}

// add takes a CIDR block, or a bare address. Host bits are passed over, and an
// IPv4 block in IPv6 spelling is an IPv4 block. It reports false for anything else.
func (s *addressSet) add(block string) bool {
	p, err := netip.ParsePrefix(block)
	if err != nil {
		a, err := netip.ParseAddr(block)
		if err != nil || a.Zone() != "" {
			return false
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	if p = p.Masked(); p.Addr().Is4() {
		s.v4 = append(s.v4, p)
	} else {
		s.v6 = append(s.v6, p)
	}
	return true
}

// disjoint returns the same addresses as the fewest blocks, in order.
func disjoint(prefixes []netip.Prefix) []netip.Prefix {
	sorted := slices.Clone(prefixes)
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	var out []netip.Prefix
	for _, p := range sorted {
		if len(out) > 0 && out[len(out)-1].Overlaps(p) {
			continue // a block that begins no earlier and overlaps is contained
		}
		out = append(out, p)
		for len(out) > 1 {
			parent, ok := join(out[len(out)-2], out[len(out)-1])
			if !ok {
				break
			}
			out = append(out[:len(out)-2], parent)
		}
	}
	return out
}

// join returns the block that two halves make.
func join(a, b netip.Prefix) (netip.Prefix, bool) {
	if a.Bits() != b.Bits() || a.Bits() == 0 {
		return netip.Prefix{}, false
	}
	pa := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
	return pa, pa.Contains(b.Addr()) && a != b
}

// notInternet are the ranges that no packet from the internet has as its source:
// RFC 6890's and multicast. The documentation ranges are not among them: examples
// use them in place of public addresses.
var notInternet = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("240.0.0.0/4"),
}

// publicIPv4 returns how many IPv4 addresses are in the set that can be the
// source of a packet from the internet.
func (s *addressSet) publicIPv4() uint64 {
	var n uint64
	for _, p := range disjoint(s.v4) {
		n += 1 << (32 - p.Bits())
		for _, private := range notInternet {
			if private.Overlaps(p) {
				n -= 1 << (32 - max(p.Bits(), private.Bits()))
			}
		}
	}
	return n
}

// allIPv4 reports whether the set holds all IPv4 addresses, by one block or several.
func (s *addressSet) allIPv4() bool {
	return slices.ContainsFunc(disjoint(s.v4), func(p netip.Prefix) bool { return p.Bits() == 0 })
}

// allIPv6 reports whether the set holds all global unicast addresses of IPv6,
// 2000::/3 (RFC 4291), by one block or several.
func (s *addressSet) allIPv6() bool {
	global := netip.MustParsePrefix("2000::/3")
	return slices.ContainsFunc(disjoint(s.v6), func(p netip.Prefix) bool { return p.Bits() <= global.Bits() && p.Overlaps(global) })
}

// wideIPv6 reports whether the set's IPv6 addresses are as many as a /16 has, 2^112, or
// more: whole providers have less, registries /12.
func (s *addressSet) wideIPv6() bool {
	n := new(big.Int)
	for _, p := range disjoint(s.v6) {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(128-p.Bits())))
	}
	return n.BitLen() > 112
}
