package browser

import (
	"context"
	"errors"
	"os"
	"strings"
)

// sysctl is a kernel setting that forbids the sandbox when it has a certain value.
type sysctl struct{ file, forbids, finding, advice string }

// sandboxSysctls are the settings that keep ordinary users from making namespaces.
var sandboxSysctls = []sysctl{
	{
		"/proc/sys/user/max_user_namespaces", "0",
		"user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=10000",
	},
	{
		"/proc/sys/user/max_pid_namespaces", "0",
		"user.max_pid_namespaces is 0", "sysctl -w user.max_pid_namespaces=10000",
	},
	{
		"/proc/sys/user/max_net_namespaces", "0",
		"user.max_net_namespaces is 0", "sysctl -w user.max_net_namespaces=10000",
	},
	{
		"/proc/sys/kernel/unprivileged_userns_clone", "0",
		"kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1",
	},
	{
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		"AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)",
		"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give Chrome's executable an AppArmor profile with `userns,`",
	},
}

// checkNamespaces tells whether Chrome's sandbox can be set up. What counts is the
// attempt; the settings say why it fails. A Chrome that has just started in its sandbox
// settles it: its executable may be allowed what others are not.
func (e *examination) checkNamespaces(ctx context.Context) Check {
	const name = "namespaces"
	if e.start != nil && e.start.err == nil && e.start.sandboxed {
		return passed(name, "Chrome made its own namespaces")
	}
	var findings, advice []string
	for _, s := range sandboxSysctls {
		if value, ok := e.read(s.file); ok && value == s.forbids {
			findings = append(findings, s.finding)
			advice = append(advice, s.advice)
		}
	}
	err := e.machine.sandbox(ctx, e.account)
	switch {
	case err == nil:
		return passed(name, e.account.String()+" may make the user, PID and network namespaces of Chrome's sandbox")
	case errors.Is(err, errNoUnshare) && len(findings) == 0:
		return warned(name, "no setting forbids user namespaces, but "+err.Error(), "Install the package util-linux.")
	case errors.Is(err, errNoUnshare):
		err = nil
	}
	finding := e.account.String() + " may not make the namespaces of Chrome's sandbox"
	if len(findings) > 0 {
		finding += ": " + strings.Join(findings, "; ")
	}
	if err != nil {
		finding += " (" + err.Error() + ")"
	}
	switch {
	case len(advice) > 0:
		return failed(name, finding, "As root, on the host: "+strings.Join(advice, "; ")+".")
	case e.inContainer():
		return failed(name, finding, "Start the container with a seccomp profile that allows clone, setns, unshare and chroot: --security-opt seccomp=FILE (docs/deploy.md).")
	}
	return failed(name, finding, "Allow user namespaces for this user; a seccomp filter or a security module forbids them.")
}

// inContainer tells by the files that Docker and Podman leave.
func (e *examination) inContainer() bool {
	for _, p := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(e.path(p)); err == nil {
			return true
		}
	}
	cgroup, _ := e.read("/proc/1/cgroup")
	return strings.Contains(cgroup, "docker") || strings.Contains(cgroup, "kubepods")
}

// checkSeccomp looks for the kernel's system call filter, the sandbox's second half.
func (e *examination) checkSeccomp(context.Context) Check {
	const name = "seccomp"
	actions, ok := e.read("/proc/sys/kernel/seccomp/actions_avail")
	if ok {
		for _, need := range []string{"trap", "errno"} {
			if !strings.Contains(" "+actions+" ", " "+need+" ") {
				return failed(name, "the kernel's system call filter lacks "+need+" ("+actions+")", "Use a kernel with CONFIG_SECCOMP_FILTER.")
			}
		}
		return passed(name, "the kernel filters system calls")
	}
	// gVisor and some hardened kernels hide the list; the state of a process remains.
	if status, ok := e.read("/proc/self/status"); ok && strings.Contains(status, "\nSeccomp:") {
		return passed(name, "the kernel knows system call filters")
	}
	return failed(name, "the kernel has no system call filter", "Use a kernel with CONFIG_SECCOMP_FILTER.")
}
