package api

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/parley-im/parley/api/internal/files"
	"github.com/parley-im/parley/api/internal/picture"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// downloadTime is how long an answer with a picture may take.
const downloadTime = 2 * time.Minute

// sandboxed is what a browser may do with a picture that it opens by itself: show it.
const sandboxed = "sandbox; default-src 'none'"

var (
	errSeq   = fault.New(fault.Invalid, "a message is a number")
	errImage = fault.New(fault.NotFound, "the picture is not there any more")
)

// serveDownload gives a picture out: GET /v1/images/{conversation}/{seq}, with
// ?thumbnail=1 the small one. Whether the user may see it is asked each time, also when
// the browser has it already.
func (a *API) serveDownload(w http.ResponseWriter, r *http.Request) {
	img, err := a.findImage(r)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	small := r.URL.Query().Get("thumbnail") == "1"
	f, media, err := a.openImage(img, small)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	defer f.Close()
	tag := img.GetFile()
	if small {
		tag += "-small"
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Security-Policy", sandboxed)
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Authorization")
	h.Set("ETag", `"`+tag+`"`)
	if shown := mime.FormatMediaType("inline", map[string]string{"filename": fileName(img.GetName())}); shown != "" && img.GetName() != "" {
		h.Set("Content-Disposition", shown)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(downloadTime))
	http.ServeContent(w, r, "", time.Time{}, f)
}

// findImage asks a worker for the picture of a message that the user may read.
func (a *API) findImage(r *http.Request) (*chatv1.Image, error) {
	token, err := bearer(r)
	if err != nil {
		return nil, err
	}
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil || seq <= 0 {
		return nil, errSeq
	}
	if !enter(a.calls) {
		return nil, errCalls
	}
	defer func() { <-a.calls }()
	res, err := a.images.FindImage(a.outgoing(r, token), &chatv1.FindImageRequest{Conversation: r.PathValue("conversation"), Seq: seq})
	if err != nil {
		return nil, err
	}
	return res.GetImage(), nil
}

// openImage opens the file of a picture, and says of which type it is. What is not one
// of those that are taken in is not given out either.
func (a *API) openImage(img *chatv1.Image, small bool) (*os.File, string, error) {
	id, ok := files.Parse(img.GetFile())
	media := img.GetType()
	if !ok || !slices.Contains([]string{picture.PNG, picture.JPEG, picture.GIF, picture.WebP}, media) {
		return nil, "", errImage
	}
	f, err := a.files.Open(id, small)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.log.Warn("a picture is not in the folder", "file", string(id))
		return nil, "", errImage
	case err != nil:
		return nil, "", a.diskFault(err)
	}
	if small {
		begin := make([]byte, 16)
		n, _ := f.ReadAt(begin, 0) // a file that cannot be read begins like nothing
		if media = picture.Type(begin[:n]); media == "" {
			f.Close()
			return nil, "", errImage
		}
	}
	return f, media, nil
}
