package gcp

import (
	"bufio"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"
)

// The operations on Cloud Storage, of which the first is the only call of the program
// that writes: an object, where the user says.
var (
	insertObject = operation{"storage.objects.insert", "storage.objects.create", "storage.googleapis.com"}
	getObject    = operation{"storage.objects.get", "storage.objects.get", "storage.googleapis.com"}
	listObjects  = operation{"storage.objects.list", "storage.objects.list", "storage.googleapis.com"}
)

// bulk is how much longer than other calls one that moves an object may take.
const bulk = 10

// An Object is the name of an object in Cloud Storage.
type Object struct{ Bucket, Name string }

// String returns the object's URL: gs://BUCKET/NAME.
func (o Object) String() string { return "gs://" + o.Bucket + "/" + o.Name }

// IsObject reports whether a name is the URL of an object, good or bad, and not that of
// a file.
func IsObject(name string) bool { return strings.HasPrefix(name, "gs://") }

var (
	// Source: Bucket naming guidelines, in the Cloud Storage documentation.
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,61}[a-z0-9](\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*$`)
	dottedIP   = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3}$`)
)

// ParseObject reads the URL of an object. One whose name is empty or ends in a slash
// stands for the objects below it.
func ParseObject(url string) (Object, error) {
	rest, ok := strings.CutPrefix(url, "gs://")
	bucket, name, slash := strings.Cut(rest, "/")
	switch {
	case !ok || !slash:
		return Object{}, fmt.Errorf("%q is not of the form gs://BUCKET/PATH", url)
	case len(bucket) < 3 || len(bucket) > 222 || !bucketName.MatchString(bucket) || dottedIP.MatchString(bucket),
		len(bucket) > 63 && !strings.Contains(bucket, "."):
		return Object{}, fmt.Errorf("%q: there can be no bucket %q: it is 3 to 63 lower-case letters, digits, dashes and underscores", url, bucket)
	case len(name) > 1024 || !utf8.ValidString(name) || strings.ContainsAny(name, "\r\n") || name == "." || name == "..":
		return Object{}, fmt.Errorf("%q: no object can have this name", url)
	}
	return Object{bucket, name}, nil
}

// Storage reads and writes objects in Cloud Storage.
type Storage struct {
	client  *Client
	service *storage.Service
}

// NewStorage makes a client of Cloud Storage. Unlike those of a [Client], its
// credentials can write where the account may. It returns an error that is
// [ErrNoCredentials] where there are none.
func NewStorage(ctx context.Context, config Config) (*Storage, error) {
	c := newClient(config)
	c.config.AttemptTimeout *= bulk
	client, err := c.httpClient(ctx, []string{storage.DevstorageReadWriteScope})
	if err != nil {
		return nil, err
	}
	options := c.withEndpoint(client, "")
	if config.StorageEndpoint != "" {
		if err := CheckEndpoint(config.StorageEndpoint); err != nil {
			return nil, err
		}
		options = append(options, option.WithEndpoint(baseURL(config.StorageEndpoint)+"/storage/v1/"))
	}
	service, err := storage.NewService(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &Storage{c, service}, nil
}

// Write makes an object, in the place of one that may be there. Until it is there as a
// whole, nothing is.
//
// The content is made by a function that writes the same each time that it is called.
// It is called first for a checksum, which the server holds against what arrives, and
// then for each attempt: so no copy of a long report is held, neither in memory nor
// on a disk, which on Cloud Run is memory, too.
func (s *Storage) Write(ctx context.Context, o Object, contentType string, write func(io.Writer) error) error {
	sum := crc32.New(castagnoli)
	if err := write(sum); err != nil {
		return err
	}
	want := encodeCRC(sum.Sum32())
	f, ok := s.client.call(ctx, insertObject, o.String(), func(ctx context.Context) error {
		r, w := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			b := bufio.NewWriterSize(w, 64<<10) // each write to a pipe waits for its reader
			w.CloseWithError(cmp.Or(write(b), b.Flush()))
		}()
		defer func() {
			r.Close()
			<-done // what is written must not change under its feet
		}()
		answer, err := whole(s.service.Objects.Insert(o.Bucket, &storage.Object{Name: o.Name, ContentType: contentType, Crc32c: want}).
			Media(r, googleapi.ContentType(contentType), googleapi.ChunkSize(0)).Context(ctx).Do())
		var apiErr *googleapi.Error
		switch {
		case errors.As(err, &apiErr) && apiErr.Code == http.StatusBadRequest && strings.Contains(strings.ToLower(apiErr.Message), "crc32c"):
			return errDamaged
		case err == nil && answer.Crc32c != want:
			return errDamaged
		}
		return err
	})
	if !ok {
		return f.error(o)
	}
	return nil
}

// Read hands an object's content to a function, again from the beginning where an
// attempt at reading it failed.
func (s *Storage) Read(ctx context.Context, o Object, read func(io.Reader) error) error {
	var own error
	f, ok := s.client.call(ctx, getObject, o.String(), func(ctx context.Context) error {
		own = nil
		answer, err := s.service.Objects.Get(o.Bucket, o.Name).Context(ctx).Download()
		if err != nil {
			return downloadError(err)
		}
		defer answer.Body.Close()
		body := &checkedReader{r: answer.Body}
		own = read(body)
		if body.err == nil {
			io.Copy(io.Discard, body) // to its end, for the checksum
		}
		if body.err != nil {
			return body.err
		}
		// The checksum is that of what is stored, which was not what came where it
		// was decompressed on the way.
		if want := checksumIn(answer.Header); want != "" && !answer.Uncompressed && want != encodeCRC(body.sum) {
			return errDamaged
		}
		return nil
	})
	if !ok {
		return f.error(o)
	}
	if own != nil {
		return fmt.Errorf("%s: %w", o, own)
	}
	return nil
}

// downloadError reads the body of an error of a download, which the client library
// passes over. It need not be JSON.
func downloadError(err error) error {
	var apiErr *googleapi.Error
	if !errors.As(err, &apiErr) || apiErr.Message != "" {
		return err
	}
	err = googleapi.CheckResponse(&http.Response{
		StatusCode: apiErr.Code,
		Header:     apiErr.Header,
		Body:       io.NopCloser(strings.NewReader(apiErr.Body)),
	})
	if body := strings.TrimSpace(apiErr.Body); errors.As(err, &apiErr) && apiErr.Message == "" && !strings.HasPrefix(body, "<") && !strings.HasPrefix(body, "{") {
		apiErr.Message = body // neither JSON nor a page for a browser
	}
	return err
}

// List returns the objects below a prefix that ends in a slash, but not those below a
// further slash, in the order of their names.
func (s *Storage) List(ctx context.Context, prefix Object) ([]Object, error) {
	return s.list(ctx, prefix, "/")
}

// Walk returns all objects below a prefix, in the order of their names.
func (s *Storage) Walk(ctx context.Context, prefix Object) ([]Object, error) {
	return s.list(ctx, prefix, "")
}

func (s *Storage) list(ctx context.Context, prefix Object, delimiter string) ([]Object, error) {
	var all []Object
	f, ok := s.client.pages(ctx, listObjects, prefix.String(), func(ctx context.Context, token string) (string, error) {
		answer, err := whole(s.service.Objects.List(prefix.Bucket).Prefix(prefix.Name).Delimiter(delimiter).PageToken(token).
			Fields("nextPageToken", "items/name").Context(ctx).Do())
		if err != nil {
			return "", err
		}
		for _, item := range answer.Items {
			all = append(all, Object{prefix.Bucket, item.Name})
		}
		return answer.NextPageToken, nil
	})
	if !ok {
		return nil, f.error(prefix)
	}
	return distinct(all, Object.String), nil
}

// An ObjectError says what went wrong with an object, or with the list of those below
// it where its name ends in a slash or is empty.
type ObjectError struct {
	Object Object

	// Code is the canonical status code: "NOT_FOUND". See google.rpc.Code.
	Code string

	// Permission is the IAM permission that is missing; empty if the cause is
	// another.
	Permission string

	// Message says what happened in words.
	Message string
}

// Error says in one line what happened to which object.
func (e *ObjectError) Error() string {
	if e.Permission != "" {
		return fmt.Sprintf("%s: missing permission %s on bucket %s", e.Object, e.Permission, e.Object.Bucket)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Object, e.Message, e.Code)
}

func (f fault) error(o Object) error {
	return &ObjectError{Object: o, Code: f.code, Permission: f.permission, Message: f.message}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeCRC writes a checksum as the API does.
func encodeCRC(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// checksumIn finds the CRC32C of a download: X-Goog-Hash: crc32c=AAAAAA==,md5=...
func checksumIn(h http.Header) string {
	for _, value := range h.Values("X-Goog-Hash") {
		for hash := range strings.SplitSeq(value, ",") {
			if sum, ok := strings.CutPrefix(strings.TrimSpace(hash), "crc32c="); ok {
				return sum
			}
		}
	}
	return ""
}

// checkedReader sums up what is read, and remembers the first error, which a body cut
// short gives only once.
type checkedReader struct {
	r   io.Reader
	sum uint32
	err error
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum = crc32.Update(c.sum, castagnoli, p[:n])
	if err != nil && err != io.EOF && c.err == nil {
		c.err = err
	}
	return n, err
}
