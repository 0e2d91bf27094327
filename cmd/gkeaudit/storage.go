package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"gkeaudit/gcp"
)

// longestFarewell is how long reports may take to reach Cloud Storage once the run was
// told to stop; what stopped it does not wait long.
const longestFarewell = 6 * time.Second

// openStorage makes a client of Cloud Storage if any of the names is there, so that
// missing credentials are known before anything is read.
func (p *program) openStorage(ctx context.Context, f *scanFlags, log *slog.Logger, names []string) error {
	if !slices.ContainsFunc(names, gcp.IsObject) {
		return nil
	}
	for _, name := range names {
		if gcp.IsObject(name) {
			if _, err := gcp.ParseObject(name); err != nil {
				return refuse("", "%w", err)
			}
		}
	}
	config, err := p.config(f)
	if err != nil {
		return err
	}
	config.Log = log
	warnPlaintext(log, config, config.StorageEndpoint)
	p.store, err = gcp.NewStorage(ctx, config)
	switch {
	case errors.Is(err, gcp.ErrNoCredentials):
		return refuse(loginHint, "%w", err)
	case err != nil:
		return refuse("", "%w", err)
	}
	return nil
}

// checkOutput refuses what cannot be written.
func checkOutput(name string) error {
	if !gcp.IsObject(name) {
		return checkWritable(name)
	}
	o, err := gcp.ParseObject(name)
	switch {
	case err != nil:
		return refuse("", "%w", err)
	case o.Name == "" || strings.HasSuffix(o.Name, "/"):
		return refuse("", "%q cannot be written: it names no object", name)
	}
	return nil
}

// contentTypes are those of objects, by extension.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8",
	".md": "text/markdown; charset=utf-8", ".markdown": "text/markdown; charset=utf-8",
	".json": "application/json",
	".txt":  "text/plain; charset=utf-8",
	".gz":   "application/gzip",
}

// haveRead is called before files are written. From there on a signal ends the program,
// but for an object: it may still be on its way.
func (p *program) haveRead(files []string) {
	if p.doneReading != nil && !slices.ContainsFunc(files, gcp.IsObject) {
		p.doneReading()
	}
}

// put writes a file or an object. Compression is that of the extension. The function
// may be called more than once, and writes the same each time.
func (p *program) put(ctx context.Context, name string, mode os.FileMode, write func(io.Writer) error) error {
	if path.Ext(name) == ".gz" {
		plain := write
		write = func(w io.Writer) error {
			z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // there is such a level
			if err := plain(z); err != nil {
				return err
			}
			return z.Close()
		}
	}
	if !gcp.IsObject(name) {
		return writeFile(name, mode, write)
	}
	o, err := gcp.ParseObject(name)
	if err != nil {
		return err
	}
	farewell, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(longestFarewell, cancel) })
	defer stop()
	contentType := contentTypes[strings.ToLower(path.Ext(name))]
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return p.store.Write(farewell, o, contentType, write)
}

// read hands a file or an object to a function, decompressed if its extension says
// that it is compressed. The function may be called more than once.
func (p *program) read(ctx context.Context, name string, do func(io.Reader) error) error {
	if path.Ext(name) == ".gz" {
		plain := do
		do = func(r io.Reader) error {
			z, err := gzip.NewReader(r)
			if err != nil {
				return fmt.Errorf("it is not compressed by gzip: %w", err)
			}
			return plain(z)
		}
	}
	if !gcp.IsObject(name) {
		file := os.Stdin
		if name != "-" {
			var err error
			if file, err = os.Open(name); err != nil {
				return withoutOp(err)
			}
			defer file.Close()
		}
		if err := do(file); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	o, err := gcp.ParseObject(name)
	if err != nil {
		return err
	}
	return p.store.Read(ctx, o, do)
}
