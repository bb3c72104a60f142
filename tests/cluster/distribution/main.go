// The registry that the tests push to and pull from: distribution's own server, with what a test needs of its storage and
// access, and no driver of a cloud. It ends when its standard input does, so that it outlives no test.
package main

import (
	"io"
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
