package report

import (
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The size of a drawing in its own units. It is stretched to its box, so that lines keep their
// width and texts, which stand around it, their size, on a phone as on a desk.
const (
	drawingWidth  = 1000.0
	drawingHeight = 300.0
)

// svg gathers the elements of a drawing.
type svg struct{ strings.Builder }

// newSVG begins a drawing. label says what it shows to those who cannot see it.
func newSVG(class, label string) *svg {
	s := &svg{}
	s.WriteString(`<svg class="` + class + `" viewBox="0 0 1000 300" preserveAspectRatio="none" role="img" aria-label="` + html.EscapeString(plain(label)) + `">`)
	return s
}

// end is the drawing as HTML.
func (s *svg) end() template.HTML {
	return template.HTML(s.String() + "</svg>")
}

// coordinate writes a number with at most one decimal.
func coordinate(v float64) string {
	return strings.TrimSuffix(positive(strconv.FormatFloat(v, 'f', 1, 64)), ".0")
}

// element writes an element with a title, which browsers show where the mouse is.
func (s *svg) element(name, class, attributes, title string) {
	s.WriteString("<" + name + ` class="` + class + `" ` + attributes)
	if title == "" {
		s.WriteString("/>")
		return
	}
	s.WriteString("><title>" + html.EscapeString(plain(title)) + "</title></" + name + ">")
}

func (s *svg) rect(class string, x, y, width, height float64, title string) {
	s.element("rect", class, `x="`+coordinate(x)+`" y="`+coordinate(y)+`" width="`+coordinate(max(width, 0))+`" height="`+coordinate(max(height, 0))+`"`, title)
}

func (s *svg) line(class string, x1, y1, x2, y2 float64, title string) {
	s.path(class, "M"+coordinate(x1)+","+coordinate(y1)+" "+coordinate(x2)+","+coordinate(y2), title)
}

// dot draws a point: a line of no length with a round end, since a circle would be stretched.
func (s *svg) dot(class string, x, y float64, title string) {
	s.path(class, "M"+coordinate(x)+","+coordinate(y)+"h0", title)
}

func (s *svg) path(class, d, title string) {
	s.element("path", class, `d="`+d+`"`, title)
}

// spot is a point of a line, in units of a drawing; y is NaN where the line breaks.
type spot struct{ x, y float64 }

// polyline draws a line through spots. One between two breaks is drawn as a dot.
func (s *svg) polyline(class string, spots []spot, title string) {
	var d strings.Builder
	length := 0
	for _, p := range append(spots, spot{0, math.NaN()}) {
		switch {
		case math.IsNaN(p.y):
			if length == 1 {
				d.WriteString("h0")
			}
			length = 0
			continue
		case length == 0:
			d.WriteString("M")
		default:
			d.WriteString(" ")
		}
		d.WriteString(coordinate(p.x) + "," + coordinate(p.y))
		length++
	}
	if d.Len() > 0 {
		s.path(class, d.String(), title)
	}
}

// maxSpots is how many spots a line keeps.
const maxSpots = 2000

// thin keeps the lowest and the highest spot of each of maxSpots/2 stretches of a line, in their
// order, so that no peak is lost. A break that lasts for a stretch stays one.
func thin(spots []spot) []spot {
	if len(spots) <= maxSpots {
		return spots
	}
	first, last := spots[0].x, spots[len(spots)-1].x
	bucket := func(p spot) int {
		return int((p.x - first) / (last - first + 1e-9) * (maxSpots / 2))
	}
	var out []spot
	for i := 0; i < len(spots); {
		lowest, highest, next := -1, -1, i
		for ; next < len(spots) && bucket(spots[next]) == bucket(spots[i]); next++ {
			switch y := spots[next].y; {
			case math.IsNaN(y):
			case lowest < 0:
				lowest, highest = next, next
			case y < spots[lowest].y:
				lowest = next
			case y > spots[highest].y:
				highest = next
			}
		}
		switch {
		case lowest < 0:
			out = append(out, spots[i])
		case lowest == highest:
			out = append(out, spots[lowest])
		default:
			out = append(out, spots[min(lowest, highest)], spots[max(lowest, highest)])
		}
		i = next
	}
	return out
}
