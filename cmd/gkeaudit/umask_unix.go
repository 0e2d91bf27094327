//go:build unix

package main

import (
	"os"
	"syscall"
)

// umask is what the user keeps from others in new files. Reading it means setting
// it, so this is done once, before anything else runs.
var umask = func() os.FileMode {
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	return os.FileMode(mask)
}()
