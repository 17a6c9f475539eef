package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is a Postgres server of this test binary, in a private folder, reachable only
// through a socket in it.
type server struct {
	folder string
	cmd    *exec.Cmd
	log    bytes.Buffer  // written by the server, read once exited is closed
	exited chan struct{} // closed when the server has exited
	stop   chan struct{} // closed to let the thread that started it go
}

// started guards the one server: once it is asked for, it runs until Stop.
var started struct {
	once   sync.Once
	server *server
	err    error
}

func startServer() (*server, error) {
	started.once.Do(func() { started.server, started.err = newServer() })
	return started.server, started.err
}

// Stop stops the Postgres server, if a test has asked for one. Main does so; a package
// with a TestMain of its own calls it after the tests.
func Stop() {
	if s := started.server; s != nil {
		s.close()
	}
}

// binFolder is where Postgres's programs are.
func binFolder() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	folders = append([]string{"/usr/lib/postgresql/15/bin"}, folders...)
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("this test needs PostgreSQL, which is not installed. Debian, Ubuntu: " +
		"mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf && " +
		"apt-get install -y --no-install-recommends postgresql-15")
}

// unprivileged is who runs the server: Postgres refuses to run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("find a user for Postgres: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}, err
}

func newServer() (*server, error) {
	bin, err := binFolder()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	// The path of a socket is short, at most 107 bytes: $TMPDIR may be long.
	folder, err := os.MkdirTemp("/tmp", "ebbpg")
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, exited: make(chan struct{}), stop: make(chan struct{})}
	if as != nil {
		err = os.Chown(folder, int(as.Uid), int(as.Gid))
	}
	data := filepath.Join(folder, "data")
	if err == nil {
		initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "ebb", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
		initdb.Dir, initdb.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as}
		if output, failed := initdb.CombinedOutput(); failed != nil {
			err = fmt.Errorf("initdb: %w\n%s", failed, output)
		}
	}
	if err == nil {
		s.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=",
			"-c", "fsync=off", "-c", "max_connections=200")
		s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = folder, &s.log, &s.log
		s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT}
		err = s.start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

// start starts the server and waits until it answers. The server is told to die with
// the thread that started it, so that thread is kept.
func (s *server) start() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		result <- err
		if err == nil {
			<-s.stop
		}
	}()
	if err := <-result; err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in its log
		close(s.exited)
	}()
	return s.waitUntilReady(time.Minute)
}

func (s *server) waitUntilReady(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.address("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-poll.C:
		case <-s.exited:
			close(s.stop)
			return fmt.Errorf("Postgres ended at once:\n%s", s.log.String())
		case <-ctx.Done():
			s.close()
			return fmt.Errorf("Postgres does not answer after %v: %w\n%s", limit, err, s.log.String())
		}
	}
}

// close stops the server, at once if it does not want to, and removes its folder.
func (s *server) close() {
	_ = s.cmd.Process.Signal(syscall.SIGINT) // it may have ended already
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	close(s.stop)
	_ = os.RemoveAll(s.folder) // it is in /tmp
}
