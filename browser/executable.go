package browser

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// Executable is a Chrome that can be started.
type Executable struct {
	// Path is the ELF file itself, never a script or a symbolic link: killing a script
	// that started Chrome would leave Chrome running.
	Path string
	// Wrapper is the script or link through which Path was found; empty if there was
	// none.
	Wrapper string
	// Version is what --version says, for example 156.0.8078.79.
	Version string
	// Headless says that it is a headless-shell build: a smaller Chrome that has no
	// window at all and needs no --headless flag.
	Headless bool
	// Source says where it was found: FindOptions.PathSource, EBB_BROWSER_PATH,
	// CHROME_PATH, CHROME_BIN, cache, known path or PATH.
	Source string
}

// maxScript bounds what is read of a wrapper script, in bytes.
const maxScript = 256 << 10

// machines maps Go's names to those of ELF, for the platforms that Chrome is built for.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64,
	"arm64": elf.EM_AARCH64,
	"arm":   elf.EM_ARM,
	"386":   elf.EM_386,
}

// resolveELF follows links and wrapper scripts from path to the Chrome they start.
// The error says what the file is instead and what to give.
func resolveELF(path string) (target string, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for range 4 { // a script may start a script: /usr/bin/chromium-browser of old systems
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return "", withoutPath(err)
		}
		if why := packaged(path, real); why != "" {
			return "", errors.New(why)
		}
		if err := checkRegular(real); err != nil {
			return "", err
		}
		head, err := readHead(real, maxScript)
		if err != nil {
			return "", withoutPath(err)
		}
		if strings.HasPrefix(head, "\x7fELF") {
			return real, checkELF(real)
		}
		if !strings.HasPrefix(head, "#!") {
			return "", errors.New("is no program that Linux can start (neither an ELF file nor a script); give the path of Chrome's own executable")
		}
		if path, err = scriptTarget(real, head); err != nil {
			return "", err
		}
	}
	return "", errors.New("is a script that starts a script, more than four times over; give the path of Chrome's own executable")
}

// packaged says why a Chrome inside a snap or a flatpak cannot be used; empty if it is in
// neither. path is as given, real without symbolic links.
func packaged(path, real string) string {
	switch {
	case filepath.Base(real) == "snap" || strings.HasPrefix(path, "/snap/") || strings.HasPrefix(real, "/snap/"):
		return "is a snap, which can neither be given a private profile folder nor be supervised; run `ebb browser install`"
	case filepath.Base(real) == "flatpak" || strings.Contains(real, "/flatpak/"):
		return "is a flatpak, which can neither be given a private profile folder nor be supervised; run `ebb browser install`"
	}
	return ""
}

func checkRegular(real string) error {
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return withoutPath(err)
	case info.IsDir():
		return errors.New("is a folder; give the path of the executable in it")
	case !info.Mode().IsRegular():
		return errors.New("is no regular file; give the path of Chrome's own executable")
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("is not executable; run `chmod +x %s`", real)
	}
	return nil
}

func checkELF(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("is a damaged ELF file: %w", err)
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("is an ELF file but no program (%s)", f.Type)
	}
	if want, known := machines[runtime.GOARCH]; known && f.Machine != want {
		return fmt.Errorf("is built for another processor (%s, this machine needs %s)", f.Machine, want)
	}
	return nil
}

func readHead(path string, limit int) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b := make([]byte, limit)
	n, err := bufio.NewReaderSize(f, limit).Read(b)
	if n == 0 && err != nil {
		return "", errors.New("is empty")
	}
	return string(b[:n]), nil
}

var (
	assignment = regexp.MustCompile(`^\s*(?:export\s+|readonly\s+)?([A-Za-z_][A-Za-z0-9_]*)=("[^"$]*(?:\$[^"]*)?"|'[^']*'|[^\s;]*)\s*;?\s*$`)
	variable   = regexp.MustCompile(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)
	word       = regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"';|&()]+`)
	chromeName = regexp.MustCompile(`(?i)(chrom|headless[-_]shell)`)
	notChrome  = regexp.MustCompile(`(?i)(crashpad|sandbox|driver|\.desktop$|\.so)`)
	passesArgs = regexp.MustCompile(`\$@|\$\{1\+|\$\*`)
)

// scriptTarget finds the program that a wrapper script starts: the last line that passes
// the script's arguments on to a file whose name is Chrome's. Only plain assignments are
// followed; nothing is run.
func scriptTarget(script, text string) (string, error) {
	dir := filepath.Dir(script)
	vars := map[string]string{}
	found, fallback := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if m := assignment.FindStringSubmatch(line); m != nil {
			// HERE="$(dirname ...)" and the like: a script asks where it is itself.
			if strings.Contains(m[2], "dirname") {
				vars[m[1]] = dir
			} else {
				vars[m[1]] = expand(unquote(m[2]), vars)
			}
		} else if m, ok := strings.CutPrefix(line, "HERE="); ok && strings.Contains(m, "dirname") {
			vars["HERE"] = dir
		}
		for _, w := range word.FindAllString(line, -1) {
			p := expand(unquote(w), vars)
			if strings.HasPrefix(p, "/snap/") || filepath.Base(p) == "flatpak" {
				return "", errors.New("is a script that starts a snap or a flatpak, which cannot be supervised; run `ebb browser install`")
			}
			if !startable(p, script) {
				continue
			}
			if passesArgs.MatchString(line) {
				found = p
			} else if fallback == "" {
				fallback = p
			}
		}
	}
	if found == "" {
		found = fallback
	}
	if found == "" {
		first, _, _ := strings.Cut(text, "\n")
		return "", fmt.Errorf("is a script (%s) and what it starts was not recognised; give the path of Chrome's own executable", strings.TrimSpace(first))
	}
	return found, nil
}

// startable tells whether a word of a script names an existing executable that is Chrome
// by its name.
func startable(path, script string) bool {
	base := filepath.Base(path)
	if !filepath.IsAbs(path) || path == script || !chromeName.MatchString(base) || notChrome.MatchString(base) {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func expand(s string, vars map[string]string) string {
	return variable.ReplaceAllStringFunc(s, func(ref string) string {
		return vars[strings.Trim(ref, "${}")]
	})
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// isHeadlessShell tells a headless-shell build by its file's name, which is the only
// thing in which --version does not agree with full Chrome's.
func isHeadlessShell(path string) bool {
	base := strings.ToLower(filepath.Base(path))
	return strings.Contains(base, "headless-shell") || strings.Contains(base, "headless_shell")
}

// withoutPath takes the path out of an error that will be told with it.
func withoutPath(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("does not exist: %w", fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot be read: %w", fs.ErrPermission)
	}
	return err
}
