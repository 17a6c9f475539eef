package browser

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Folders counts what this program's Chromes have below dir ("" is the system's temporary folder):
// their own folders, and what stands in the temporary folders that they were given. One that a living
// Chrome leaves there grows as a leak does.
func Folders(dir string) (entries int, err error) {
	if dir == "" {
		dir = os.TempDir()
	}
	roots, err := filepath.Glob(filepath.Join(dir, folderPrefix+"*"))
	if err != nil {
		return 0, fmt.Errorf("count Chrome's folders: %w", err)
	}
	for _, root := range roots {
		owner, err := os.ReadFile(filepath.Join(root, "owner"))
		if err != nil || strings.TrimSpace(string(owner)) != strconv.Itoa(os.Getpid()) {
			continue // another's, or one that is going
		}
		entries++
		held, err := os.ReadDir(folder{root: root}.tmp())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("count what Chrome has in its folder: %w", err)
		}
		entries += len(held)
	}
	return entries, nil
}
