package output

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// jsonLines writes one object a line, at once.
type jsonLines struct{ out Terminal }

func (j *jsonLines) Write(r Record) error {
	line, err := recordJSON(r)
	if err != nil {
		return err
	}
	_, err = j.out.Write(append(line, '\n'))
	return err
}

func (j *jsonLines) Close() error { return nil }

// recordJSON is a record as one line of JSON.
func recordJSON(r Record) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, field := range r.Head {
		if err := appendMember(&b, field.Name, field.Value); err != nil {
			return nil, fmt.Errorf("write %s: %w", field.Name, err)
		}
		b.WriteByte(',')
	}
	b.WriteString(`"data":`)
	if len(r.Data) == 0 {
		b.WriteString("null")
	} else if err := json.Compact(&b, r.Data); err != nil {
		return nil, fmt.Errorf("write data: %w", err)
	}
	b.WriteByte('}')
	return CleanJSON(b.Bytes()), nil
}

func appendMember(b *bytes.Buffer, name string, value any) error {
	key, err := compactJSON(name)
	if err != nil {
		return err
	}
	text, err := compactJSON(value)
	if err != nil {
		return err
	}
	b.Write(key)
	b.WriteByte(':')
	b.Write(text)
	return nil
}

// compactJSON is json.Marshal without the escapes for HTML.
func compactJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// CleanJSON writes characters that act on a terminal as \uNNNN: the same JSON,
// harmless to look at. In valid JSON they stand in strings only; line breaks and tabs, which stand
// outside of them, stay.
func CleanJSON(data []byte) []byte {
	acts := func(r rune) bool { return r >= ' ' && hostile(r) }
	if !bytes.ContainsFunc(data, acts) {
		return data
	}
	var b bytes.Buffer
	for _, r := range string(data) {
		switch {
		case !acts(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
