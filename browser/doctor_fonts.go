package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// fontDirs are where fontconfig looks by default.
var fontDirs = []string{"/usr/share/fonts", "/usr/local/share/fonts"}

// maxFontFiles bounds how many fonts are counted.
const maxFontFiles = 100

// checkFonts looks for fonts: without one, text has no width, and what a page shows
// depends on that.
func (e *examination) checkFonts(context.Context) Check {
	const name = "fonts"
	if _, ok := e.read("/etc/fonts/fonts.conf"); !ok {
		return warned(name, "there is no /etc/fonts/fonts.conf: Chrome finds no fonts", "Install the packages fontconfig-config and fonts-liberation.")
	}
	count := 0
	for _, dir := range fontDirs {
		count += countFonts(e.path(dir), maxFontFiles-count)
	}
	switch {
	case count == 0:
		return warned(name, "there are none: text has no width, and pages look empty", "Install the package fonts-liberation; for Chinese, Japanese and Korean fonts-noto-cjk.")
	case count >= maxFontFiles:
		return passed(name, fmt.Sprintf("%d files or more", count))
	}
	return passed(name, fmt.Sprintf("%d files", count))
}

// countFonts counts the font files below a folder, up to limit.
func countFonts(dir string, limit int) int {
	count := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // a folder that cannot be read holds no font for Chrome either
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".ttf", ".otf", ".ttc", ".pfb", ".woff", ".woff2":
			count++
		}
		if count >= limit {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	return count
}
