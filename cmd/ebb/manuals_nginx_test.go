//go:build manuals

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manualRoots are the folders below which .ci/manuals puts what is not installed.
func manualRoots() []string {
	roots := []string{"/", "/var/cache/ebb-manuals"}
	if cache, err := os.UserCacheDir(); err == nil {
		roots = append(roots, filepath.Join(cache, "ebb-manuals"))
	}
	return roots
}

// needManual is where a file of Debian's packages is.
func needManual(t *testing.T, path string) string {
	for _, root := range manualRoots() {
		full := filepath.Join(root, path)
		if _, err := os.Stat(full); err == nil {
			return full
		}
	}
	require.Failf(t, "a package is missing", "/%s is neither installed nor in %s: run .ci/manuals, which gets it",
		path, strings.Join(manualRoots()[1:], " or "))
	return ""
}

// nginxServer is an nginx of the test's own: one folder on one loopback port.
type nginxServer struct {
	url string

	t       *testing.T
	folder  string // its prefix
	command *exec.Cmd
	said    bytes.Buffer // what it wrote to standard error
}

// nobody is the user as whom nginx runs when the test is root's.
const nobody = 65534

const nginxConfig = `daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
  types { text/html html; text/css css; text/javascript js; image/svg+xml svg; image/png png; text/plain txt; }
  default_type application/octet-stream;
  log_format asked '$request_method $status $request_uri';
  access_log access.log asked;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen %s;
    root %s;
  }
}
`

// startNginx serves a folder. The listening socket is made here and handed over, so the
// port is free for certain and requests may come before nginx is ready.
func startNginx(t *testing.T, served string) *nginxServer {
	program := needManual(t, "usr/sbin/nginx")
	folder, err := os.MkdirTemp("", "ebb-nginx-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	socket, err := listener.(*net.TCPListener).File()
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	defer socket.Close()

	address := listener.Addr().String()
	config := filepath.Join(folder, "nginx.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, nginxConfig, address, served), 0o644))
	s := &nginxServer{url: "http://" + address, t: t, folder: folder}
	s.command = exec.Command(program, "-p", folder+"/", "-c", config, "-e", "stderr")
	s.command.Env = []string{"NGINX=3;"}
	s.command.ExtraFiles = []*os.File{socket}
	s.command.Stderr = &s.said
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(folder, nobody, nobody))
		s.command.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	require.NoError(t, s.command.Start(), "start nginx")
	t.Cleanup(func() { s.stop() })
	return s
}

// stop ends nginx after what it is serving. Its log is complete then.
func (s *nginxServer) stop() {
	if s.command.ProcessState != nil {
		return
	}
	require.NoError(s.t, s.command.Process.Signal(syscall.SIGQUIT))
	kill := time.AfterFunc(20*time.Second, func() { _ = s.command.Process.Kill() })
	defer kill.Stop()
	require.NoError(s.t, s.command.Wait(), "nginx: %s", &s.said)
}

// nginxRequest is one line of the access log.
type nginxRequest struct {
	method, target string
	status         int
}

// asked are all requests, in order. The server must have been stopped.
func (s *nginxServer) asked() []nginxRequest {
	log, err := os.ReadFile(filepath.Join(s.folder, "access.log"))
	require.NoError(s.t, err)
	var requests []nginxRequest
	lines := bufio.NewScanner(bytes.NewReader(log))
	for lines.Scan() {
		var r nginxRequest
		_, err := fmt.Sscanf(lines.Text(), "%s %d %s", &r.method, &r.status, &r.target)
		require.NoError(s.t, err, "access log: %s", lines.Text())
		requests = append(requests, r)
	}
	require.NoError(s.t, lines.Err())
	return requests
}
