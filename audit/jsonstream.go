package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A jsonStream takes a JSON document apart without looking into its values: what
// it cuts out is checked by whoever decodes it. encoding/json's Decoder would read
// every value three times, which for a large snapshot takes as long as decoding it.
type jsonStream struct {
	r   *bufio.Reader
	buf []byte // of the last value
}

func newJSONStream(r io.Reader) *jsonStream {
	return &jsonStream{r: bufio.NewReaderSize(r, 64<<10)}
}

// peek returns the next byte that is not white space.
func (s *jsonStream) peek() (byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c, s.r.UnreadByte()
		}
	}
}

// take reads the next byte that is not white space and must be c.
func (s *jsonStream) take(c byte) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != c {
		return fmt.Errorf("found %q where %q should be", got, c)
	}
	_, err = s.r.ReadByte()
	return err
}

// object calls field for each field of the next value, which must be an object.
// The callback reads the field's value.
func (s *jsonStream) object(field func(key string) error) error {
	seen := map[string]bool{}
	return s.list('{', '}', func() error {
		raw, err := s.value()
		if err != nil {
			return err
		}
		var key string
		if err := json.Unmarshal(raw, &key); err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		if err := s.take(':'); err != nil {
			return err
		}
		return field(key)
	})
}

// array calls item for each item of the next value, the value of the named field,
// which must be an array. The callback reads the item. It reports false for null,
// which has none.
func (s *jsonStream) array(key string, item func() error) (bool, error) {
	c, err := s.peek()
	switch {
	case err != nil:
		return false, err
	case c == 'n':
		return false, s.decode(new(struct{}))
	case c != '[':
		return false, fmt.Errorf("%s: found %q where '[' should be", key, c)
	}
	return true, s.list('[', ']', item)
}

func (s *jsonStream) list(begin, end byte, item func() error) error {
	if err := s.take(begin); err != nil {
		return err
	}
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c == end {
		return s.take(end)
	}
	for {
		if err := item(); err != nil {
			return err
		}
		c, err := s.peek()
		if err != nil {
			return err
		}
		if c == end {
			return s.take(end)
		}
		if err := s.take(','); err != nil {
			return err
		}
	}
}

// decode decodes the next value.
func (s *jsonStream) decode(v any) error {
	raw, err := s.value()
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

var errNoValue = errors.New("a value is missing")

// value returns the text of the next value, which is good until the next call. Its
// end is found by its brackets and quotes; whether it is JSON is not checked.
func (s *jsonStream) value() ([]byte, error) {
	first, err := s.peek()
	if err != nil {
		return nil, err
	}
	s.buf = s.buf[:0]
	depth, inString, escaped := 0, false, false
	scalar := first != '{' && first != '[' && first != '"'
	for {
		if _, err := s.r.Peek(1); err != nil {
			if err == io.EOF && scalar && len(s.buf) > 0 {
				return s.buf, nil
			}
			return nil, err
		}
		chunk, _ := s.r.Peek(s.r.Buffered())
		for i, c := range chunk {
			switch {
			case escaped:
				escaped = false
				continue
			case inString:
				switch c {
				case '\\':
					escaped = true
					continue
				case '"':
					inString = false
				default:
					continue
				}
			case c == '"':
				if scalar {
					return s.cut(chunk[:i])
				}
				inString = true
				continue
			case c == '{' || c == '[':
				if scalar {
					return s.cut(chunk[:i])
				}
				depth++
				continue
			case c == '}' || c == ']':
				if scalar {
					return s.cut(chunk[:i])
				}
				depth--
			case scalar && (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\t' || c == '\r'):
				return s.cut(chunk[:i])
			default:
				continue
			}
			if depth == 0 {
				return s.cut(chunk[:i+1])
			}
		}
		s.buf = append(s.buf, chunk...)
		if _, err := s.r.Discard(len(chunk)); err != nil {
			return nil, err
		}
	}
}

// cut ends a value with what is left of it.
func (s *jsonStream) cut(rest []byte) ([]byte, error) {
	s.buf = append(s.buf, rest...)
	if len(s.buf) == 0 {
		return nil, errNoValue
	}
	_, err := s.r.Discard(len(rest))
	return s.buf, err
}
