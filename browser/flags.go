package browser

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// minShm is the room in /dev/shm from which Chrome may keep its shared memory there.
const minShm = 512 << 20

// baseFlags are given to every Chrome. Each one keeps a scrape quiet, bounded or
// repeatable; none weakens Chrome's defences.
var baseFlags = []string{
	"--remote-debugging-pipe", // no port is open
	"--no-first-run",
	"--no-default-browser-check",
	"--disable-background-networking", // nothing phones home
	"--disable-client-side-phishing-detection",
	"--disable-component-update",
	"--disable-default-apps",
	"--disable-domain-reliability",
	"--disable-extensions",
	"--disable-sync",
	"--disable-quic",
	"--disable-breakpad", // no crash reporter that outlives Chrome
	"--disable-crash-reporter",
	"--noerrdialogs",
	"--metrics-recording-only",
	"--no-pings",
	"--deny-permission-prompts",
	"--mute-audio",
	"--hide-scrollbars",
	"--password-store=basic",
	"--use-mock-keychain",
	"--force-color-profile=srgb",
	"--disable-background-timer-throttling", // tabs that nobody looks at work as fast as others
	"--disable-backgrounding-occluded-windows",
	"--disable-renderer-backgrounding",
	"--disable-hang-monitor",
	"--disable-prompt-on-repost",
	"--enable-automation",
	// Old pages kept alive for the back button are memory that nothing gives back.
	// DIPS keeps a database of the sites that were clicked: 8 KB of the profile for each.
	"--disable-features=BackForwardCache,DIPS,Translate,OptimizationHints,MediaRouter,InterestFeedContentSuggestions,Prerender2",
}

// kindFlags keep Chrome from loading resources of a kind at all.
var kindFlags = map[string]string{
	"image": "--blink-settings=imagesEnabled=false",
	"font":  "--disable-remote-fonts",
}

// FlagKinds are those of kinds that LaunchOptions.Block takes.
func FlagKinds(kinds []string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return kindFlags[kind] == "" })
}

// flags returns the whole command line of a Chrome after its path.
func flags(o LaunchOptions, profile string, headlessShell bool) []string {
	args := slices.Clone(baseFlags)
	args = append(args, "--user-data-dir="+profile)
	if headlessShell {
		args = append(args, drawFlag)
	} else {
		args = append(args, "--headless")
	}
	if !shmIsLarge("/dev/shm") {
		args = append(args, "--disable-dev-shm-usage")
	}
	if o.UserAgent != "" {
		args = append(args, "--user-agent="+o.UserAgent)
	}
	if o.NoSandbox {
		args = append(args, "--no-sandbox")
	}
	args = append(args, proxyFlags(o.Proxy)...)
	for _, kind := range o.Block {
		if flag := kindFlags[kind]; flag != "" {
			args = append(args, flag)
		}
	}
	args = append(args, o.Flags...)
	if !headlessShell { // which would open its start page; headless-shell opens none, which would be drawn all the time
		args = append(args, "about:blank")
	}
	return joinLists(args)
}

// listFlags have lists as values. Of several Chrome takes the last alone.
var listFlags = []string{"--enable-features", "--disable-features", "--enable-blink-features", "--disable-blink-features", "--blink-settings"}

// joinLists makes one of the flags of a name whose values are lists, so that those that are configured are added to
// Ebb's own.
func joinLists(args []string) []string {
	var joined []string
	at := map[string]int{}
	for _, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		if i, before := at[name]; before && given {
			joined[i] += "," + value
			continue
		}
		if given && slices.Contains(listFlags, name) {
			at[name] = len(joined)
		}
		joined = append(joined, arg)
	}
	return joined
}

// shmIsLarge says whether Chrome's shared memory fits into a file system.
func shmIsLarge(dir string) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false
	}
	return uint64(fs.Bavail)*uint64(fs.Bsize) >= minShm
}

// refusedFlags would take away what this package promises, or fight with it.
var refusedFlags = []string{"--no-sandbox", "--remote-debugging-port", "--remote-debugging-address", "--user-data-dir", "--remote-debugging-pipe"}

// proxyOnlyFlags would open another way to the network than the proxy, or find one.
var proxyOnlyFlags = []string{
	"--proxy-server", "--proxy-bypass-list", "--proxy-pac-url", "--proxy-auto-detect", "--no-proxy-server",
	"--host-resolver-rules", "--host-rules", "--webrtc-ip-handling-policy", "--force-webrtc-ip-handling-policy",
	"--enable-quic", "--origin-to-force-quic-on",
}

// RefusedFlag returns the first of flags that may not be given, and what to do
// instead; "" when all may. Where Chrome may use a proxy only, those that open another way
// are refused too.
func RefusedFlag(flags []string, proxied bool) (flag, advice string) {
	for _, f := range flags {
		name, _, _ := strings.Cut(f, "=")
		if !strings.HasPrefix(name, "--") {
			return f, "a flag begins with --"
		}
		if slices.Contains(refusedFlags, name) {
			if name == "--no-sandbox" {
				return f, "set browser.sandbox to false if it must be"
			}
			return f, "Ebb sets it itself"
		}
		if proxied && slices.Contains(proxyOnlyFlags, name) {
			return f, "it would lead Chrome around the egress proxy; use egress.proxy and egress.allow, or set egress.enabled to false"
		}
	}
	return "", ""
}

// environment is what Chrome gets to see: its own folders, and of ours only what
// language, time and display need. Secrets in the worker's environment stay there.
func environment(home, tmp string) []string {
	env := []string{"HOME=" + home, "TMPDIR=" + tmp, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home, "CHROME_HEADLESS=1", "DBUS_SESSION_BUS_ADDRESS=disabled:"}
	for _, name := range []string{"PATH", "LANG", "LC_ALL", "LANGUAGE", "TZ", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "LD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
