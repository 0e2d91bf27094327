package gcp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"
)

// storing are the forms of the only calls to Cloud Storage, of which the first writes.
var storing = regexp.MustCompile(`^(POST /upload/storage/v1/b/reports/o|GET /storage/v1/b/reports/o(/.+)?)$`)

func serveStorage(t *testing.T, faults ...*gcptest.Fault) (*gcptest.Server, *gcp.Storage) {
	t.Helper()
	srv := gcptest.NewServer(&audit.Snapshot{}, faults...)
	t.Cleanup(func() {
		srv.Close()
		for _, call := range srv.Calls() {
			if !storing.MatchString(call) {
				t.Errorf("the call %q is none of those that there are", call)
			}
		}
	})
	s, err := gcp.NewStorage(t.Context(), gcp.Config{
		StorageEndpoint: srv.URL + "/storage/v1/",
		NoCredentials:   true,
		Backoff:         time.Millisecond,
		QuotaPatience:   200 * time.Millisecond,
		AttemptTimeout:  50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv, s
}

var (
	content = strings.Repeat("every byte counts; ", 100_000)
	object  = gcp.Object{Bucket: "reports", Name: "runs/1.json"}
)

func write(w io.Writer) error { _, err := io.WriteString(w, content); return err }

// TestWrite writes an object in spite of each fault that passes, and says what is wrong
// where it does not. What is there in the end is whole.
func TestWrite(t *testing.T) {
	unavailable := json.RawMessage(`{"error": {"code": 503, "message": "later"}}`)
	for _, test := range []struct {
		name  string
		fault gcptest.Fault
		want  string // part of the error; none if it is empty
	}{
		{"none", gcptest.Fault{Path: "none"}, ""},
		{"once damaged", gcptest.Fault{Damage: true, Times: 1}, ""},
		{"always damaged", gcptest.Fault{Damage: true}, "gs://reports/runs/1.json: it was damaged on the way"},
		{"once another checksum", gcptest.Fault{Merge: map[string]json.RawMessage{"crc32c": json.RawMessage(`"AAAAAA=="`)}, Times: 1}, ""},
		{"always another checksum", gcptest.Fault{Merge: map[string]json.RawMessage{"crc32c": json.RawMessage(`"AAAAAA=="`)}}, "it was damaged on the way"},
		{"once 503", gcptest.Fault{Status: 503, Body: unavailable, Times: 1}, ""},
		{"once 429", gcptest.Fault{Status: 429, Body: unavailable, Times: 1}, ""},
		{"always 503", gcptest.Fault{Status: 503, Body: unavailable}, "gs://reports/runs/1.json: later (UNAVAILABLE)"},
		{"400 for another cause", gcptest.Fault{Status: 400, Body: json.RawMessage(`{"error": {"code": 400, "message": "no"}}`)}, "no (INVALID_ARGUMENT)"},
		{"403", gcptest.Fault{Status: 403, Body: json.RawMessage(`{"error": {"code": 403, "message": "me does not have storage.objects.delete access. Permission 'storage.objects.delete' denied on resource"}}`)},
			"gs://reports/runs/1.json: missing permission storage.objects.delete"},
		{"404", gcptest.Fault{Status: 404, Body: json.RawMessage(`{"error": {"code": 404, "message": "The specified bucket does not exist."}}`)}, "The specified bucket does not exist. (NOT_FOUND)"},
		{"once no answer", gcptest.Fault{Hang: true, Times: 1}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, s := serveStorage(t, &test.fault)
			err := s.Write(t.Context(), object, "application/json", write)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
			if got, _ := srv.Object("reports/runs/1.json"); err == nil && string(got) != content {
				t.Errorf("%d bytes were written, which are not those that were to be", len(got))
			}
		})
	}
}

func TestWriteFails(t *testing.T) {
	srv, s := serveStorage(t)
	want := errors.New("no")
	if err := s.Write(t.Context(), object, "text/plain", func(io.Writer) error { return want }); !errors.Is(err, want) {
		t.Errorf("got error %v, want that of what writes", err)
	}
	if len(srv.Objects()) > 0 {
		t.Errorf("there are objects: %v", srv.Objects())
	}
}

// TestRead reads an object in spite of each fault that passes.
func TestRead(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault gcptest.Fault
		want  string
	}{
		{"none", gcptest.Fault{Path: "none"}, ""},
		{"once damaged", gcptest.Fault{Damage: true, Times: 1}, ""},
		{"always damaged", gcptest.Fault{Damage: true}, "damaged on the way"},
		{"once cut short", gcptest.Fault{Cut: true, Times: 1}, ""},
		{"always cut short", gcptest.Fault{Cut: true}, "the answer was cut short"},
		{"404", gcptest.Fault{Status: 404, Body: json.RawMessage(`No such object: reports/runs/1.json`)}, "gs://reports/runs/1.json: No such object: reports/runs/1.json (NOT_FOUND)"},
		{"404 as JSON", gcptest.Fault{Status: 404, Body: json.RawMessage(`{"error": {"code": 404, "message": "The specified bucket does not exist."}}`)}, "gs://reports/runs/1.json: The specified bucket does not exist. (NOT_FOUND)"},
		{"404 as a page", gcptest.Fault{Status: 404, Body: json.RawMessage(`<html>`)}, "gs://reports/runs/1.json: HTTP status 404 (NOT_FOUND)"},
		{"403", gcptest.Fault{Status: 403, Body: json.RawMessage(`me does not have storage.objects.get access. Permission 'storage.objects.get' denied on resource (or it may not exist).`)},
			"gs://reports/runs/1.json: missing permission storage.objects.get on bucket reports"},
		{"403 of a perimeter", gcptest.Fault{Status: 403, Body: json.RawMessage(`{"error": {"code": 403, "message": "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: abc"}}`)},
			"gs://reports/runs/1.json: Request is prohibited by organization's policy."},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, s := serveStorage(t, &test.fault)
			srv.Put("reports/runs/1.json", []byte(content))
			var got bytes.Buffer
			err := s.Read(t.Context(), object, func(r io.Reader) error {
				got.Reset()
				_, err := got.ReadFrom(r)
				return err
			})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
			if err == nil && got.String() != content {
				t.Errorf("%d bytes were read, which are not those that are there", got.Len())
			}
		})
	}
	srv, s := serveStorage(t)
	srv.Put("reports/runs/1.json", []byte(content))
	if err := s.Read(t.Context(), object, func(io.Reader) error { return errors.New("no report") }); err == nil || err.Error() != "gs://reports/runs/1.json: no report" || len(srv.Calls()) != 1 {
		t.Errorf("got error %v after %d calls, want that of what reads after one", err, len(srv.Calls()))
	}
}

func TestList(t *testing.T) {
	srv, s := serveStorage(t)
	srv.PageSize = 2
	for i := range 5 {
		srv.Put(fmt.Sprintf("reports/runs/%d.json", i), nil)
	}
	srv.Put("reports/runs/below/5.json", nil)
	srv.Put("reports/6.json", nil)
	got, err := s.List(t.Context(), gcp.Object{Bucket: "reports", Name: "runs/"})
	if err != nil || len(got) != 5 || got[4].String() != "gs://reports/runs/4.json" || len(srv.Calls()) != 3 {
		t.Errorf("got %v (error %v) in %d calls", got, err, len(srv.Calls()))
	}
}

func TestParseObject(t *testing.T) {
	for url, ok := range map[string]bool{
		"gs://reports/a.json":                       true,
		"gs://reports/":                             true,
		"gs://my.reports.example/a/b.json":          true,
		"gs://a_b-c/x":                              true,
		"gs://reports":                              false,
		"gs:///a.json":                              false,
		"gs://ab/a.json":                            false,
		"gs://Reports/a.json":                       false,
		"gs://-reports/a.json":                      false,
		"gs://10.0.0.1/a.json":                      false,
		"gs://" + strings.Repeat("a", 64) + "/a":    false,
		"gs://reports/" + strings.Repeat("a", 1025): false,
		"gs://reports/a\nb":                         false,
		"https://storage.googleapis.com/reports/a":  false,
	} {
		if _, err := gcp.ParseObject(url); (err == nil) != ok {
			t.Errorf("ParseObject(%q): got error %v", url, err)
		}
	}
}
