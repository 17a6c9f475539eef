package demo

import (
	"bytes"
	"fmt"
	stdimage "image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// image is a picture as it is served.
type image struct {
	contentType string
	data        []byte
	etag        string
}

// newImage is a picture as it is served.
func newImage(contentType string, data []byte) image {
	return image{contentType, data, fmt.Sprintf(`"%016x"`, textHash(string(data)))}
}

// drawImages draws the pictures that are dear: PNG for articles.
func (s *Server) drawImages() {
	add := func(path string, data []byte) { s.images[path] = newImage("image/png", data) }
	add("/shop/img/hero.png", drawLandscape(random(s.options.Seed, "hero"), 960, 240))
	for _, a := range s.paper.articles {
		add(a.Image(), drawLandscape(random(s.options.Seed, a.ID), 480, 270))
	}
}

// picture is what is at a path. Those of products, of which there may be many, are drawn when they are
// asked for: SVG.
func (s *Server) picture(path string) (image, bool) {
	sku, svg := strings.CutSuffix(strings.TrimPrefix(path, "/shop/img/"), ".svg")
	if p := s.shop.products[sku]; svg && p != nil && p.Image() == path {
		return newImage("image/svg+xml", drawProduct(p)), true
	}
	picture, ok := s.images[path]
	return picture, ok
}

// serveImage serves a picture that may be cached for a day.
func (s *Server) serveImage(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("name") == "hero" { // a redirect that every visit of the home page meets
		http.Redirect(w, r, "/shop/img/hero.png", http.StatusFound)
		return
	}
	picture, ok := s.picture(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	picture.serve(w, r)
}

// serveFavicon serves the product picture that stands for the site.
func (s *Server) serveFavicon(w http.ResponseWriter, r *http.Request) {
	newImage("image/svg+xml", drawProduct(s.shop.featured[0])).serve(w, r)
}

func (i image) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", i.contentType)
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.Header().Set("ETag", i.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(i.data))
}

// shapes are the drawings of the categories, in a square of 100.
var shapes = map[string]string{
	"lamp":  `<path d="M35 20h30l12 30H23z"/><path d="M47 50h6v26h-6zM34 76h32v6H34z"/>`,
	"chair": `<path d="M32 16h8v36h-8zM32 50h36v8H32zM32 58h6v26h-6zM62 58h6v26h-6zM40 20h22v6H40zM40 32h22v6H40z"/>`,
	"pot":   `<path d="M24 40h52v30a12 12 0 0 1-12 12H36a12 12 0 0 1-12-12zM14 44h10v8H14zM76 44h10v8H76zM22 30h56v6H22zM46 22h8v8h-8z"/>`,
	"leaf":  `<path d="M50 14c26 18 30 44 4 62V40h-4v46h-4V76C18 62 24 32 50 14z"/>`,
	"disc":  `<path fill-rule="evenodd" d="M50 16a34 34 0 1 0 .1 0zM50 42a8 8 0 1 1-.1 0z"/>`,
	"bag":   `<path d="M38 30v-6a12 12 0 0 1 24 0v6h-6v-5a6 6 0 0 0-12 0v5zM26 32h48l6 50H20z"/>`,
}

// drawProduct is a product's picture: its category's shape on a gradient of its own.
func drawProduct(p *product) []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="400" height="400">`+
		`<defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="hsl(%d 45%% 92%%)"/>`+
		`<stop offset="1" stop-color="hsl(%d 40%% 78%%)"/></linearGradient></defs>`+
		`<rect width="100" height="100" fill="url(#g)"/><ellipse cx="50" cy="85" rx="30" ry="3" fill="#0002"/>`+
		`<g fill="hsl(%d 45%% 32%%)">%s</g></svg>`,
		p.Hue, (p.Hue+40)%360, p.Hue, shapes[p.Shape])
}

// A landscape has so many colours of sky and of hills.
const (
	skyColors  = 56
	hillColors = 8
)

// drawLandscape is a picture of hills under a sky.
func drawLandscape(random *rand.Rand, width, height int) []byte {
	palette := landscapePalette(random.Float64())
	picture := stdimage.NewPaletted(stdimage.Rect(0, 0, width, height), palette)
	skies, hills := skyColors, hillColors
	phases := make([]float64, 3*hills)
	for i := range phases {
		phases[i] = random.Float64() * 2 * math.Pi
	}
	for x := range width {
		for y := range height {
			picture.Pix[y*picture.Stride+x] = uint8(y * skies / height)
		}
		for hill := range hills {
			at := float64(x) / float64(width) * 2 * math.Pi
			top := float64(height) * (0.45 + 0.08*float64(hill) +
				0.06*math.Sin(at+phases[3*hill]) + 0.03*math.Sin(3*at+phases[3*hill+1]) + 0.01*math.Sin(9*at+phases[3*hill+2]))
			for y := max(0, int(top)); y < height; y++ {
				picture.Pix[y*picture.Stride+x] = uint8(skies + hill)
			}
		}
	}
	var data bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&data, picture); err != nil {
		panic("encode a picture into memory: " + err.Error()) // a buffer does not fail
	}
	return data.Bytes()
}

// landscapePalette is the colours of the sky, from above, and of the hills, from afar.
func landscapePalette(mood float64) color.Palette {
	var palette color.Palette
	mix := func(a, b [3]float64, share float64) color.RGBA {
		var c [3]uint8
		for i := range c {
			c[i] = uint8(a[i]*(1-share) + b[i]*share)
		}
		return color.RGBA{c[0], c[1], c[2], 255}
	}
	above, below := [3]float64{70 + 90*mood, 120 + 20*mood, 190 - 40*mood}, [3]float64{250, 225 - 20*mood, 200 - 30*mood}
	for i := range skyColors {
		palette = append(palette, mix(above, below, float64(i)/(skyColors-1)))
	}
	far, near := [3]float64{140 - 30*mood, 160 - 30*mood, 170}, [3]float64{30 + 30*mood, 60, 50}
	for i := range hillColors {
		palette = append(palette, mix(far, near, float64(i)/(hillColors-1)))
	}
	return palette
}
