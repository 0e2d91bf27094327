package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"gkeaudit/gcp"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// longestFarewell is how long all that is written to Cloud Storage may take to get there
// once the run was told to stop; what stopped it does not wait long.
const longestFarewell = 6 * time.Second

// openStorage makes a client of Cloud Storage if any of the names is there, so that
// missing credentials are known before anything is read.
func (p *program) openStorage(ctx context.Context, f *scanFlags, log *slog.Logger, names []string) error {
	for _, name := range names {
		if err := checkPlace(name); err != nil {
			return err
		}
	}
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
	farewell, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(longestFarewell, cancel) })
	p.uploading = farewell
	if p.store, err = gcp.NewStorage(ctx, config); err != nil {
		return p.noClient(err)
	}
	return nil
}

// scheme is how the name of something begins that is neither a file nor an object: a URL
// of another kind, or one of Cloud Storage that is mistyped.
var scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):/|^([Gg][Ss]):`)

// checkPlace refuses the URL of a place that nothing is read from or written to.
func checkPlace(name string) error {
	m := scheme.FindStringSubmatch(name)
	if m == nil || gcp.IsObject(name) {
		return nil
	}
	const hint = "A file has a path, and an object in Cloud Storage is gs://BUCKET/PATH."
	if kind := m[1] + m[2]; strings.EqualFold(kind, "gs") {
		return refuse(hint, "%q is neither a file nor an object; did you mean %q?", name, "gs://"+strings.TrimLeft(name[len(kind)+1:], "/"))
	}
	return refuse(hint, "%q is neither a file nor an object in Cloud Storage", name)
}

// checkOutput refuses what cannot be written.
func checkOutput(name string) error {
	if err := checkPlace(name); err != nil {
		return err
	}
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

	".sarif": "application/sarif+json", ".sarif.json": "application/sarif+json",
	".xml":        "application/xml",
	".csv":        "text/csv; charset=utf-8",
	".ocsf.jsonl": "application/x-ndjson", ".ocsf.ndjson": "application/x-ndjson", ".ocsf.json": "application/x-ndjson",
	".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson",
}

// haveRead is called before files are written. From there on a signal ends the program,
// but for an object, which may still be on its way, there or from there.
func (p *program) haveRead(files []string) {
	if p.doneReading != nil && !slices.ContainsFunc(files, gcp.IsObject) {
		p.doneReading()
	}
}

// put writes a file or an object. Compression is that of the extension. The function
// may be called more than once, and writes the same each time.
func (p *program) put(name string, mode os.FileMode, write func(io.Writer) error) error {
	if _, compressed := extension(name); compressed {
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
	ext, compressed := extension(name)
	contentType := cmp.Or(contentTypes[ext], "application/octet-stream")
	if compressed {
		contentType = "application/gzip"
	}
	return p.store.Write(p.uploading, o, contentType, write)
}

// read hands a file or an object to a function, in UTF-8, and decompressed if its
// extension says that it is compressed. The function may be called more than once.
func (p *program) read(ctx context.Context, name string, do func(io.Reader) error) error {
	plain := do
	do = func(r io.Reader) error { return plain(decoded(r)) }
	if _, compressed := extension(name); compressed {
		plain := do
		do = func(r io.Reader) error {
			z, err := gzip.NewReader(r)
			if errors.Is(err, io.EOF) {
				return errors.New("the file is empty")
			}
			if err != nil {
				return fmt.Errorf("it is not compressed by gzip: %w", err)
			}
			return plain(z)
		}
	}
	if !gcp.IsObject(name) {
		if name == "-" {
			if err := do(interruptible(ctx, p.stdin)); err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			return nil
		}
		file, err := openInput(ctx, name)
		if err != nil {
			return withoutOp(err)
		}
		defer file.Close()
		var content io.Reader = file
		if info, err := file.Stat(); err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) != 0 {
			content = interruptible(ctx, file)
		}
		if err := do(content); err != nil {
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

// openInput opens a file. A named pipe is waited for until somebody writes to it or the run
// is interrupted.
func openInput(ctx context.Context, name string) (*os.File, error) {
	if info, err := os.Stat(name); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return os.Open(name)
	}
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := os.Open(name)
		done <- opened{file, err}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", name, errInterrupted)
	}
}

// decoded returns a text in UTF-8. One that begins with a byte order mark is in the
// encoding of the mark: Windows PowerShell 5.1 writes what is redirected as UTF-16, and
// Notepad may begin UTF-8 with a mark. Source: about_Character_Encoding, in the
// PowerShell documentation.
func decoded(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	start, _ := b.Peek(2) // an error comes again with what is read
	if s := string(start); s == "\xff\xfe" || s == "\xfe\xff" || s == "\xef\xbb" {
		return transform.NewReader(b, unicode.BOMOverride(transform.Nop))
	}
	if string(start) == "\x1f\x8b" {
		return failing{errors.New("it is compressed by gzip, and its name does not end in .gz")}
	}
	start, _ = b.Peek(min(b.Buffered(), 512))
	if encoding := looksLikeUTF16(start); encoding != "" {
		return failing{utf16Error(encoding)}
	}
	return b
}

// A failing reader gives an error and nothing else.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// looksLikeUTF16 returns the encoding of a text without a byte order mark that begins as text
// in UTF-16 which is mostly ASCII: one byte of each character is zero. No text that is read
// here holds a zero. It returns "" for any other.
func looksLikeUTF16(start []byte) string {
	var zeros [2]int // at even and odd places
	for i, b := range start {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case zeros[0] == 0 && 4*zeros[1] > len(start):
		return "UTF-16LE"
	case zeros[1] == 0 && 4*zeros[0] > len(start):
		return "UTF-16BE"
	}
	return ""
}

// A utf16Error says that a text is in UTF-16 without a byte order mark: little-endian or
// big-endian, as it names.
type utf16Error string

func (e utf16Error) Error() string {
	return "it looks like UTF-16 without a byte order mark; save it as UTF-8"
}

var errInterrupted = errors.New("the run was interrupted before its end")

// interruptible returns a reader of a stream that may stay open without giving anything,
// and that cannot be closed under who reads it. It ends with [errInterrupted] when the
// context does.
func interruptible(ctx context.Context, stream io.Reader) io.Reader {
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(errInterrupted) })
	go func() {
		_, err := io.Copy(w, stream)
		w.CloseWithError(err)
	}()
	return r
}

// readHint says what to do about an error of reading; other is what to do where the
// content is to blame.
func readHint(ctx context.Context, err error, other string) string {
	if ctx.Err() != nil {
		return ""
	}
	var encoding utf16Error
	if errors.As(err, &encoding) {
		return "In an editor, choose the encoding UTF-8 when you save it, or run: iconv -f " + string(encoding) + " -t UTF-8 FILE > NEW_FILE"
	}
	return cmp.Or(objectHint(err), other)
}

// objectHint says what to do about an error of Cloud Storage; empty where that is not
// known, or where the error is another.
func objectHint(err error) string {
	var e *gcp.ObjectError
	if !errors.As(err, &e) {
		return ""
	}
	switch {
	case e.Permission == "storage.objects.get":
		return fmt.Sprintf("Grant a role with %s on bucket %s, such as roles/storage.objectViewer; or else the object is not there.", e.Permission, e.Object.Bucket)
	case e.Permission == "storage.objects.list":
		return fmt.Sprintf("Grant a role with %s on bucket %s, such as roles/storage.objectViewer.", e.Permission, e.Object.Bucket)
	case e.Permission != "":
		return fmt.Sprintf("Grant a role with %s on bucket %s, such as roles/storage.objectUser.", e.Permission, e.Object.Bucket)
	case e.Code == "NOT_FOUND":
		return fmt.Sprintf("See what is there, with storage.objects.list on bucket %[1]s: gcloud storage ls gs://%[1]s/", e.Object.Bucket)
	}
	return troubleHint(e.Code, e.Message, otherPayerOfObject)
}
