package browser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// systemPackages are the packages that hold a usable Chrome, the preferred one first.
var systemPackages = []string{"chromium-headless-shell", "chromium"}

// fontPackage lets Chrome render Latin, Greek and Cyrillic text.
const fontPackage = "fonts-liberation"

// aptOptions keep apt-get from asking, and bound its waits: for another apt-get, and for
// servers that do not answer (its own default is two minutes a server).
var aptOptions = []string{
	"-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0",
	"-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20",
}

// aptEnvironment makes apt-get ask nothing and speak English, which the errors quote.
var aptEnvironment = []string{"DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}

// aptCommand is what a person types to install Chrome.
func aptCommand() string {
	return "apt-get install -y --no-install-recommends " + systemPackages[0] + " " + fontPackage
}

// installPackages installs the system's Chrome and a font with apt-get. It needs root.
func installPackages(ctx context.Context, o InstallOptions) (Executable, error) {
	apt := o.lookPath("apt-get")
	switch {
	case apt == "":
		return Executable{}, errors.New("there is no apt-get on this system")
	case o.euid() != 0:
		return Executable{}, fmt.Errorf("only root may install packages; run: sudo apt-get update && sudo %s", aptCommand())
	}
	// Old lists may still name a package that can be had: the update's error counts only
	// if nothing can be installed afterwards.
	update := o.command(ctx, aptEnvironment, apt, append(aptOptions[:len(aptOptions):len(aptOptions)], "update")...)
	if ctx.Err() != nil {
		return Executable{}, update
	}
	name, err := o.candidate(ctx)
	if err != nil {
		return Executable{}, errors.Join(err, update)
	}
	args := append(aptOptions[:len(aptOptions):len(aptOptions)], "install", "--no-install-recommends", name, fontPackage)
	if err := o.command(ctx, aptEnvironment, apt, args...); err != nil {
		return Executable{}, errors.Join(err, update)
	}
	looked := &NotFoundError{}
	places := o.findOptions().withDefaults()
	if exe, ok := places.inKnownPaths(ctx, looked); ok {
		return exe, nil
	}
	if exe, ok := places.inPATH(ctx, looked); ok {
		return exe, nil
	}
	return Executable{}, fmt.Errorf("package %s is installed, yet %w", name, looked)
}

// candidate returns the first package that apt-get can install and that is no snap in
// disguise, as Ubuntu's chromium-browser is.
func (o InstallOptions) candidate(ctx context.Context) (string, error) {
	cache := o.lookPath("apt-cache")
	if cache == "" {
		return "", errors.New("there is no apt-cache on this system")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, cache, append([]string{"policy"}, systemPackages...)...)
	cmd.Env = append(os.Environ(), aptEnvironment...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask apt-cache for packages: %w", err)
	}
	versions := parsePolicy(string(out))
	for _, p := range systemPackages {
		if v := versions[p]; v != "" && !strings.Contains(v, "snap") {
			return p, nil
		}
	}
	return "", fmt.Errorf("this system's package lists hold none of %s", strings.Join(systemPackages, ", "))
}

var policyPackage = regexp.MustCompile(`^(\S+):$`)

// parsePolicy reads the candidate of each package from what apt-cache policy says; a
// package without one is left out.
func parsePolicy(text string) map[string]string {
	versions := map[string]string{}
	current := ""
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() {
		if m := policyPackage.FindStringSubmatch(s.Text()); m != nil {
			current = m[1]
		}
		if v, ok := strings.CutPrefix(strings.TrimSpace(s.Text()), "Candidate: "); ok && v != "(none)" {
			versions[current] = v
		}
	}
	return versions
}
