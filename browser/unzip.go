package browser

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxArchiveFiles bounds the entries of an archive; Chrome's has about a hundred.
const maxArchiveFiles = 10_000

// unzip unpacks an archive into a new folder. It takes only plain files and folders below
// folder, at most limit bytes in all: anything else is refused, and so is the whole
// archive. Every user may read what it unpacks.
func unzip(archive, into, folder string, limit int64) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%w: it is no ZIP file: %w", errArchive, err)
	}
	defer z.Close()
	if len(z.File) > maxArchiveFiles {
		return fmt.Errorf("%w: it has %d entries, the limit is %d", errArchive, len(z.File), maxArchiveFiles)
	}
	if err := makeOpenDir(into); err != nil {
		return err
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range z.File {
		if err := checkEntry(f, folder); err != nil {
			return err
		}
		n, err := unzipEntry(root, f, limit)
		if err != nil {
			return err
		}
		limit -= n
	}
	return nil
}

// checkEntry refuses names that lead out of the folder and everything that is neither a
// file nor a folder, symbolic links above all.
func checkEntry(f *zip.File, folder string) error {
	name := strings.TrimSuffix(f.Name, "/")
	if !fs.ValidPath(name) || strings.Contains(name, `\`) || (name != folder && !strings.HasPrefix(name, folder+"/")) {
		return fmt.Errorf("%w: entry %q is not below %s", errArchive, f.Name, folder)
	}
	if mode := f.Mode(); !mode.IsRegular() && !mode.IsDir() {
		return fmt.Errorf("%w: entry %q is neither a file nor a folder (%s)", errArchive, f.Name, mode)
	}
	return nil
}

func unzipEntry(root *os.Root, f *zip.File, limit int64) (int64, error) {
	name := strings.TrimSuffix(f.Name, "/")
	if f.Mode().IsDir() {
		return 0, makeOpenDirs(root, name)
	}
	if err := makeOpenDirs(root, path.Dir(name)); err != nil {
		return 0, err
	}
	perm := fs.FileMode(0o644)
	if f.Mode().Perm()&0o111 != 0 {
		perm = 0o755
	}
	in, err := f.Open()
	if err != nil {
		return 0, fmt.Errorf("%w: entry %q: %w", errArchive, f.Name, err)
	}
	defer in.Close()
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, limit+1))
	err = errors.Join(err, out.Chmod(perm), out.Close())
	switch {
	case err != nil:
		return n, fmt.Errorf("entry %q: %w", f.Name, err)
	case n > limit:
		return n, fmt.Errorf("%w: it unpacks to more than the limit", errArchive)
	}
	return n, nil
}

// makeOpenDirs makes a folder and those above it, for every user, whatever the umask.
func makeOpenDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if err := makeOpenDirs(root, path.Dir(dir)); err != nil {
		return err
	}
	err := root.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return root.Chmod(dir, 0o755)
}
