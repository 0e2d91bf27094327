package gcptest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Object returns the content of an object that was written: BUCKET/NAME.
func (s *Server) Object(name string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.objects[name]
	return content, ok
}

// Objects returns the names of all objects, sorted.
func (s *Server) Objects() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Put makes an object.
func (s *Server) Put(name string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[string][]byte{}
	}
	s.objects[name] = content
}

// isStorage reports whether a call is one of Cloud Storage.
func isStorage(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/storage/v1/b/") || strings.HasPrefix(r.URL.Path, "/upload/storage/v1/b/")
}

// storage answers a call of Cloud Storage, or makes the answer. The buckets are
// whichever are asked for.
func (s *Server) storage(w http.ResponseWriter, r *http.Request, body []byte, fault *Fault) map[string]any {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/upload"), "/storage/v1/b/")
	bucket, rest, _ := strings.Cut(path, "/")
	name, isObject := strings.CutPrefix(rest, "o/")
	switch {
	case r.Method == http.MethodPost && rest == "o" && strings.HasPrefix(r.URL.Path, "/upload/"):
		return s.insert(w, r, bucket, body, fault)
	case r.Method == http.MethodGet && rest == "o":
		return s.list(r, bucket)
	case r.Method == http.MethodGet && isObject && r.URL.Query().Get("alt") == "media":
		content, ok := s.Object(bucket + "/" + name)
		if !ok {
			refuse(w, http.StatusNotFound, "No such object: "+bucket+"/"+name)
			return nil
		}
		w.Header().Set("X-Goog-Hash", "crc32c="+checksum(content))
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Header().Set("Content-Type", "application/octet-stream")
		if fault != nil && fault.Damage {
			content = damaged(content)
		}
		if fault != nil && fault.Cut {
			content = content[:len(content)/2]
		}
		w.Write(content)
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
	return nil
}

func (s *Server) insert(w http.ResponseWriter, r *http.Request, bucket string, body []byte, fault *Fault) map[string]any {
	object := struct{ Name, Crc32c string }{Name: r.URL.Query().Get("name")}
	if r.URL.Query().Get("uploadType") == "multipart" {
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return nil
		}
		parts := multipart.NewReader(strings.NewReader(string(body)), params["boundary"])
		var read [2][]byte
		for i := range read {
			part, err := parts.NextPart()
			if err == nil {
				read[i], err = io.ReadAll(part)
			}
			if err != nil {
				refuse(w, http.StatusBadRequest, err.Error())
				return nil
			}
		}
		if err := json.Unmarshal(read[0], &object); err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return nil
		}
		body = read[1]
	}
	if fault != nil && fault.Damage {
		body = damaged(body)
	}
	sum := checksum(body)
	if object.Crc32c != "" && object.Crc32c != sum {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Provided CRC32C %q doesn't match calculated CRC32C %q.", object.Crc32c, sum))
		return nil
	}
	s.Put(bucket+"/"+object.Name, body)
	return map[string]any{"kind": "storage#object", "bucket": bucket, "name": object.Name, "crc32c": sum, "size": strconv.Itoa(len(body))}
}

func (s *Server) list(r *http.Request, bucket string) map[string]any {
	q := r.URL.Query()
	items := []map[string]any{}
	for _, name := range s.Objects() {
		name, ok := strings.CutPrefix(name, bucket+"/"+q.Get("prefix"))
		if d := q.Get("delimiter"); !ok || d != "" && strings.Contains(name, d) {
			continue
		}
		items = append(items, map[string]any{"name": q.Get("prefix") + name})
	}
	answer := map[string]any{"kind": "storage#objects"}
	start, _ := strconv.Atoi(q.Get("pageToken"))
	items = items[min(start, len(items)):]
	if s.PageSize > 0 && len(items) > s.PageSize {
		items = items[:s.PageSize]
		answer["nextPageToken"] = strconv.Itoa(start + s.PageSize)
	}
	answer["items"] = items
	return answer
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": message}})
}

func checksum(content []byte) string {
	sum := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// damaged returns content with one bit of it changed.
func damaged(content []byte) []byte {
	content = slices.Clone(content)
	if len(content) > 0 {
		content[len(content)/2] ^= 1
	}
	return content
}
