package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
)

// gallery is a worker that takes pictures of liubei for conversation c, as messages 1, 2 …
type gallery struct {
	worker
	mu   sync.Mutex // guards list and asked
	list []*chatv1.Image
	asks int // without a file
}

func newGallery() *gallery {
	g := &gallery{}
	may := func(ctx context.Context, conversation string) error {
		md, _ := metadata.FromIncomingContext(ctx)
		if a := md.Get("authorization"); len(a) != 1 || a[0] != "Bearer "+token {
			return grpcfault.ToError(fault.New(fault.Unauthenticated, ""))
		}
		if conversation != "c" {
			return grpcfault.ToError(fault.New(fault.NotFound, "no such conversation"))
		}
		return nil
	}
	g.issue = func(ctx context.Context, r *chatv1.IssueTicketRequest) (*chatv1.IssueTicketResponse, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if err := may(ctx, r.GetConversation()); err != nil {
			return nil, err
		}
		if r.GetImage().GetFile() == "" {
			g.asks++
			return &chatv1.IssueTicketResponse{}, nil
		}
		g.list = append(g.list, r.GetImage())
		return &chatv1.IssueTicketResponse{Ticket: fmt.Sprint("ticket ", len(g.list))}, nil
	}
	g.find = func(ctx context.Context, r *chatv1.FindImageRequest) (*chatv1.FindImageResponse, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if err := may(ctx, r.GetConversation()); err != nil {
			return nil, err
		}
		if r.GetSeq() > int64(len(g.list)) {
			return nil, grpcfault.ToError(fault.New(fault.NotFound, "no such picture"))
		}
		return &chatv1.FindImageResponse{Image: g.list[r.GetSeq()-1]}, nil
	}
	return g
}

// upload sends a picture to conversation c.
func (s *stage) upload(name string, body io.Reader) reply {
	s.t.Helper()
	return s.do(http.MethodPost, "/v1/images/c?name="+url.QueryEscape(name), body, "Authorization", "Bearer "+token, "Content-Type", "image/png")
}

// photo is a JPEG that says where it was taken.
func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	const text = "GPS 52.52 N"
	return append(append([]byte{0xff, 0xd8, 0xff, 0xfe, 0, byte(len(text) + 2)}, text...), b.Bytes()[2:]...)
}

func drawing(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	img.SetNRGBA(0, 0, color.NRGBA{R: 255, A: 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// kept are the files in the folder.
func (s *stage) kept() (list []string) {
	s.t.Helper()
	err := filepath.WalkDir(s.api.cfg.Files, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, name)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func TestPictureGoesInAndOut(t *testing.T) {
	s := start(t, Limits{})
	g := newGallery()
	s.join("w", &g.worker)
	got := s.upload("cat.jpg", bytes.NewReader(photo(t, 800, 600)))
	if got.status != http.StatusOK {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	var answer struct {
		Ticket string
		Image  map[string]any
	}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		t.Fatal(err)
	}
	kept := proto.CloneOf(g.list[0])
	want := map[string]any{"type": "image/jpeg", "width": 800.0, "height": 600.0, "bytes": fmt.Sprint(kept.GetBytes()), "name": "cat.jpg"}
	if answer.Ticket != "ticket 1" || fmt.Sprint(answer.Image) != fmt.Sprint(want) {
		t.Errorf("got %s", got.body)
	}
	if g.asks != 1 {
		t.Errorf("asked %d times whether it may be sent", g.asks)
	}

	whole := s.do(http.MethodGet, "/v1/images/c/1", nil, "Authorization", "Bearer "+token)
	if whole.status != http.StatusOK || int64(len(whole.body)) != kept.GetBytes() || strings.Contains(whole.body, "GPS") {
		t.Errorf("whole: %d, %d bytes", whole.status, len(whole.body))
	}
	for name, value := range map[string]string{
		"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": sandboxed,
		"Cache-Control": "private, no-cache", "Content-Disposition": "inline; filename=cat.jpg",
	} {
		if whole.header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, whole.header.Get(name), value)
		}
	}
	small := s.do(http.MethodGet, "/v1/images/c/1?thumbnail=1", nil, "Authorization", "Bearer "+token)
	c, err := jpeg.DecodeConfig(strings.NewReader(small.body))
	if err != nil || c.Width != 320 || c.Height != 240 || small.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("small: %d, %+v, %v", small.status, c, err)
	}
	if small.header.Get("ETag") == whole.header.Get("ETag") {
		t.Error("both have one ETag")
	}
	again := s.do(http.MethodGet, "/v1/images/c/1", nil, "Authorization", "Bearer "+token, "If-None-Match", whole.header.Get("ETag"))
	if again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("again: %d, %d bytes", again.status, len(again.body))
	}
	part := s.do(http.MethodGet, "/v1/images/c/1", nil, "Authorization", "Bearer "+token, "Range", "bytes=0-1")
	if part.status != http.StatusPartialContent || part.body != "\xff\xd8" {
		t.Errorf("part: %d %q", part.status, part.body)
	}
	g.mu.Lock()
	g.list = nil // recalled
	g.mu.Unlock()
	if got := s.do(http.MethodGet, "/v1/images/c/1", nil, "Authorization", "Bearer "+token, "If-None-Match", whole.header.Get("ETag")); got.reason() != "404 NOT_FOUND" {
		t.Errorf("recalled: %s", got.reason())
	}
}

func TestSmallPictureOfWhatIsSeenThroughIsPNG(t *testing.T) {
	s := start(t, Limits{})
	g := newGallery()
	s.join("w", &g.worker)
	if got := s.upload("", bytes.NewReader(drawing(t, 500, 500))); got.status != http.StatusOK {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	small := s.do(http.MethodGet, "/v1/images/c/1?thumbnail=1", nil, "Authorization", "Bearer "+token)
	if small.header.Get("Content-Type") != "image/png" || small.header.Get("Content-Disposition") != "" {
		t.Errorf("got %v", small.header)
	}
}

func TestWhatIsNoPictureIsRefusedAndLeavesNothing(t *testing.T) {
	s := start(t, Limits{MaxImageBytes: 100_000, UploadsPerMinute: 100})
	g := newGallery()
	s.join("w", &g.worker)
	bomb := drawing(t, 1, 1)
	copy(bomb[16:], "\x00\x00\x40\x00\x00\x00\x40\x00") // 16384 × 16384, says its header
	for name, c := range map[string]struct{ body, want string }{
		"cat.png":     {"<!doctype html><script>alert(1)</script>", "400 INVALID"},
		"cat.svg":     {`<svg xmlns="http://www.w3.org/2000/svg"/>`, "400 INVALID"},
		"empty.png":   {"", "400 INVALID"},
		"cut.png":     {string(drawing(t, 9, 9)[:60]), "400 INVALID"},
		"bomb.png":    {string(bomb), "413 TOO_LARGE"},
		"large.png":   {strings.Repeat("x", 100_001), "413 TOO_LARGE"},
		"damaged.jpg": {string(photo(t, 100, 100)[:300]) + "\xff\xd9", "400 INVALID"},
	} {
		if got := s.upload(name, strings.NewReader(c.body)); got.reason() != c.want {
			t.Errorf("%s: got %s %s, want %s", name, got.reason(), got.body, c.want)
		}
		got := s.upload(name, struct{ io.Reader }{strings.NewReader(c.body)}) // its length is not said
		if got.reason() != c.want {
			t.Errorf("%s, in chunks: got %s, want %s", name, got.reason(), c.want)
		}
	}
	s.until("nothing is left", func() bool { return len(s.kept()) == 0 })
	if len(g.list) != 0 {
		t.Errorf("%d tickets", len(g.list))
	}
}

// TestPermissionIsAskedBeforeTheFirstByte has bodies that nobody may read.
func TestPermissionIsAskedBeforeTheFirstByte(t *testing.T) {
	s := start(t, Limits{})
	g := newGallery()
	s.join("w", &g.worker)
	for name, c := range map[string]struct{ path, token, want string }{
		"no member": {"/v1/images/other", token, "404 NOT_FOUND"}, "nobody": {"/v1/images/c", "", "401 UNAUTHENTICATED"}, "somebody else": {"/v1/images/c", "forged", "401 UNAUTHENTICATED"},
	} {
		body := &watched{}
		if got := s.do(http.MethodPost, c.path, body, "Authorization", "Bearer "+c.token, "Expect", "100-continue"); got.reason() != c.want {
			t.Errorf("%s: got %s, want %s", name, got.reason(), c.want)
		}
		if body.read {
			t.Errorf("%s: its bytes were taken", name)
		}
	}
	if list := s.kept(); len(list) != 0 {
		t.Errorf("left: %q", list)
	}
}

// TestRefusedPictureIsHeardOut has a client that reads no answer before it has sent all.
func TestRefusedPictureIsHeardOut(t *testing.T) {
	s := start(t, Limits{MaxImageBytes: 1000})
	g := newGallery()
	s.join("w", &g.worker)
	for path, want := range map[string]string{"/v1/images/c": "413 ", "/v1/images/other": "413 ", "/v1/images/c?in=chunks": "413 "} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		const size = 8 << 20
		length, end := fmt.Sprintf("Content-Length: %d", size), ""
		if strings.Contains(path, "chunks") {
			length, end = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x", size), "\r\n0\r\n"
		}
		if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s\r\n", path, token, length); err != nil {
			t.Fatal(err)
		}
		if end == "" {
			end = "\r\n" + strings.Repeat("x", size)
		} else {
			end = strings.Repeat("x", size) + end + "\r\n"
		}
		if _, err := io.WriteString(conn, end); err != nil {
			t.Fatalf("%s: cut while it spoke: %v", path, err)
		}
		b, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 "+want) {
			t.Errorf("%s: got %.100q, %v", path, b, err)
		}
	}
}

// watched is a body that remembers whether it was read.
type watched struct{ read bool }

func (w *watched) Read(b []byte) (int, error) {
	w.read = true
	return len(b), nil
}

func TestUserHasABudget(t *testing.T) {
	s := start(t, Limits{UploadsPerMinute: 2})
	g := newGallery()
	s.join("w", &g.worker)
	body := drawing(t, 2, 2)
	for range 2 {
		if got := s.upload("a.png", bytes.NewReader(body)); got.status != http.StatusOK {
			t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	if got := s.upload("a.png", bytes.NewReader(body)); got.reason() != "429 RATE_LIMITED" || got.header.Get("Retry-After") == "" {
		t.Errorf("got %s", got.reason())
	}
}

// TestSlowUploadsOfOneNetworkLeavePlaces has somebody whose pictures never come to an end.
func TestSlowUploadsOfOneNetworkLeavePlaces(t *testing.T) {
	s := start(t, Limits{MaxUploads: 8})
	g := newGallery()
	s.join("w", &g.worker)
	for range 2 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "POST /v1/images/c HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nx", token); err != nil {
			t.Fatal(err)
		}
	}
	s.until("both are under way", func() bool { return len(s.kept()) == 2 })
	if got := s.upload("a.png", bytes.NewReader(drawing(t, 2, 2))); got.reason() != "503 OVERLOADED" || got.header.Get("Retry-After") == "" {
		t.Errorf("the third of a network: %s", got.reason())
	}
	if !s.api.uploads.Enter("192.0.2.1") {
		t.Fatal("there is no place for others")
	}
	s.api.uploads.Leave("192.0.2.1")
}

func TestClientsOfOneNetworkAreOne(t *testing.T) {
	for client, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::9": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "somebody": "somebody",
	} {
		if got := networkOf(client); got != want {
			t.Errorf("%s: %s, want %s", client, got, want)
		}
	}
}

// TestTicketThatIsRefusedKeepsNoFile has the user thrown out while the bytes come.
func TestTicketThatIsRefusedKeepsNoFile(t *testing.T) {
	s := start(t, Limits{})
	g := newGallery()
	issue := g.issue
	g.issue = func(ctx context.Context, r *chatv1.IssueTicketRequest) (*chatv1.IssueTicketResponse, error) {
		if r.GetImage().GetFile() != "" {
			return nil, grpcfault.ToError(fault.New(fault.NotFound, "no such conversation"))
		}
		return issue(ctx, r)
	}
	s.join("w", &g.worker)
	if got := s.upload("a.png", bytes.NewReader(drawing(t, 2, 2))); got.reason() != "404 NOT_FOUND" {
		t.Errorf("got %s", got.reason())
	}
	s.until("nothing is left", func() bool { return len(s.kept()) == 0 })
}

func TestNothingButPicturesComesOut(t *testing.T) {
	s := start(t, Limits{})
	g := newGallery()
	s.join("w", &g.worker)
	if got := s.upload("a.png", bytes.NewReader(drawing(t, 2, 2))); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	good := g.list[0]
	for name, img := range map[string]*chatv1.Image{
		"html":         {Type: "text/html", File: good.GetFile()},
		"svg":          {Type: "image/svg+xml", File: good.GetFile()},
		"a path":       {Type: "image/png", File: "../../../etc/passwd"},
		"no file":      {Type: "image/png"},
		"another file": {Type: "image/png", File: strings.Repeat("0", 32)},
	} {
		g.mu.Lock()
		g.list = []*chatv1.Image{img}
		g.mu.Unlock()
		for _, query := range []string{"", "?thumbnail=1"} {
			if got := s.do(http.MethodGet, "/v1/images/c/1"+query, nil, "Authorization", "Bearer "+token); got.reason() != "404 NOT_FOUND" {
				t.Errorf("%s: got %s", name, got.reason())
			}
		}
	}
	for _, seq := range []string{"0", "-1", "x", "9999999999999999999", "1.0"} {
		if got := s.do(http.MethodGet, "/v1/images/c/"+seq, nil, "Authorization", "Bearer "+token); got.reason() != "400 INVALID" {
			t.Errorf("%s: got %s", seq, got.reason())
		}
	}
}

func TestDiskThatFailsIsTemporary(t *testing.T) {
	s := start(t, Limits{})
	g := newGallery()
	s.join("w", &g.worker)
	if err := os.RemoveAll(filepath.Join(s.api.cfg.Files, "incoming")); err != nil {
		t.Fatal(err)
	}
	got := s.upload("a.png", bytes.NewReader(drawing(t, 2, 2)))
	if got.reason() != "503 UNAVAILABLE" || strings.Contains(got.body, s.api.cfg.Files) {
		t.Errorf("got %s %s", got.reason(), got.body)
	}
	if !strings.Contains(s.log.String(), "the folder of pictures fails") {
		t.Error("the operator is not told")
	}
}

// TestDrainHurriesUploads has one that never ends by itself.
func TestDrainHurriesUploads(t *testing.T) {
	t.Parallel()
	s := start(t, Limits{})
	g := newGallery()
	s.join("w", &g.worker)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST /v1/images/c HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nx", token); err != nil {
		t.Fatal(err)
	}
	s.until("it is under way", func() bool { return len(s.kept()) == 1 })
	s.stop()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	b, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 408 ") {
		t.Errorf("got %q, %v", b, err)
	}
	s.until("nothing is left", func() bool { return len(s.kept()) == 0 })
}

// TestNamesAreShownAndNeverPaths has what people call their files.
func TestNamesAreShownAndNeverPaths(t *testing.T) {
	for name, want := range map[string]string{
		"cat.png": "cat.png", "": "", "..": "", ".": "", "...": "", "/": "", "../../etc/passwd": "passwd", `C:\Users\x\cat.png`: "cat.png", "a/b\\c.png": "c.png",
		"a\x00b.png": "ab.png", "a\r\nSet-Cookie: x": "a  Set-Cookie: x", "\u202egnp.exe": "gnp.exe", "a\u200bb": "ab", "\xff\xfe.png": ".png",
		`<img src=x onerror=alert(1)>.png`: `<img src=x onerror=alert(1)>.png`, `"><script>alert(1)`: `"><script>alert(1)`, " 照片 1.jpg ": "照片 1.jpg",
		strings.Repeat("é", 200) + ".jpeg": strings.Repeat("é", 123) + ".jpeg", strings.Repeat("x", 200): strings.Repeat("x", 128),
		"a." + strings.Repeat("x", 200): "a." + strings.Repeat("x", 126), "javascript:alert(1)": "javascript:alert(1)",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestHostileNamesDoNotLeaveTheirHeader(t *testing.T) {
	s := start(t, Limits{UploadsPerMinute: 100})
	g := newGallery()
	s.join("w", &g.worker)
	for i, name := range []string{`a"; filename="b.html`, "a\r\nX-Evil: 1", "<script>.png", "照片.png", `\"`, "a;b=c.png"} {
		if got := s.upload(name, bytes.NewReader(drawing(t, 2, 2))); got.status != http.StatusOK || strings.Contains(got.header.Get("Content-Type"), "html") {
			t.Fatalf("%q: %d %s", name, got.status, got.body)
		}
		got := s.do(http.MethodGet, fmt.Sprint("/v1/images/c/", i+1), nil, "Authorization", "Bearer "+token)
		if got.header.Get("X-Evil") != "" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "inline;") || strings.Count(got.header.Get("Content-Disposition"), "filename") > 2 {
			t.Errorf("%q: %v", name, got.header)
		}
	}
}
