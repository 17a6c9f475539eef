package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker of a release: -X main.version=v1.2.3.
var version string

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of ebb and what it was built with",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, versionLine())
			return err
		},
	}
}

// versionLine is the version with the revision, the compiler and the platform.
func versionLine() string {
	revision := ""
	if r := buildSetting("vcs.revision"); r != "" {
		revision = " (" + r[:min(12, len(r))]
		if buildSetting("vcs.modified") == "true" {
			revision += ", modified"
		}
		revision += ")"
	}
	return fmt.Sprintf("ebb %s%s, %s, %s/%s",
		versionName(), revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionName is the release's version, or else the module's, or else "devel".
func versionName() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// buildSetting is one setting that the go command recorded, or "".
func buildSetting(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == key {
			return setting.Value
		}
	}
	return ""
}
