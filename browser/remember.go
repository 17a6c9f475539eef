package browser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// version is what a Chrome's ELF says when it is asked, which takes a tenth of a second; with Remember,
// what it said when it was asked last, as long as the file is the same.
func (o FindOptions) version(ctx context.Context, target string) (string, error) {
	if !o.Remember {
		return readVersion(ctx, target, o.VersionTimeout)
	}
	stamp, file := stampOf(target), o.rememberedIn(target)
	if version, ok := remembered(file, stamp); ok {
		return version, nil
	}
	version, err := readVersion(ctx, target, o.VersionTimeout)
	if err == nil {
		remember(file, stamp, version)
	}
	return version, err
}

// stampOf changes with a file; "" is that of a file that cannot be looked at.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s %d %d %d %d.%09d", path, stat.Dev, stat.Ino, stat.Size, stat.Ctim.Sec, stat.Ctim.Nsec)
}

// rememberedIn is the file in which the version of an executable is remembered; "" is nowhere.
func (o FindOptions) rememberedIn(target string) string {
	dirs := o.cacheDirs()
	if len(dirs) == 0 {
		return ""
	}
	name := sha256.Sum256([]byte(target))
	return filepath.Join(dirs[0], "version-"+hex.EncodeToString(name[:8]))
}

// remembered reads a version; ok is false where none is remembered of this file.
func remembered(file, stamp string) (version string, ok bool) {
	if file == "" || stamp == "" {
		return "", false
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	of, version, found := strings.Cut(strings.TrimSuffix(string(text), "\n"), "\n")
	return version, found && of == stamp && versionNumbers(version) != nil
}

// remember keeps a version. Where that cannot be, it is asked for another time.
func remember(file, stamp, version string) {
	if file == "" || stamp == "" || os.MkdirAll(filepath.Dir(file), 0o755) != nil {
		return
	}
	made, err := os.CreateTemp(filepath.Dir(file), ".version-")
	if err != nil {
		return
	}
	_, err = made.WriteString(stamp + "\n" + version + "\n")
	if closeErr := made.Close(); err == nil && closeErr == nil && os.Rename(made.Name(), file) == nil {
		return
	}
	_ = os.Remove(made.Name())
}
