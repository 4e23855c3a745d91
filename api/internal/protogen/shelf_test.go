package protogen

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	_ "github.com/parley-im/parley/proto/chat/v1" // its option is imported by the shelf
)

const shelfOptions = "service=shelf.v1.ShelfService,openapi=doc.json,typescript=types.ts"

// shelf is the fixture: its files by their names.
func shelf(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{"shelf/shelf.proto", "shelf/paper.proto"} {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(raw)
	}
	return files
}

// with returns the shelf with more behind the line of shelf.proto that has mark.
func with(t *testing.T, mark, more string) map[string]string {
	t.Helper()
	files := shelf(t)
	before, after, found := strings.Cut(files["shelf/shelf.proto"], mark+"\n")
	if !found {
		t.Fatalf("no line ends in %q", mark)
	}
	files["shelf/shelf.proto"] = before + mark + "\n" + more + "\n" + after
	return files
}

// run compiles files and gives them to the plugin, as a compiler does.
func run(t *testing.T, files map[string]string, options string) *pluginpb.CodeGeneratorResponse {
	t.Helper()
	request := &pluginpb.CodeGeneratorRequest{Parameter: proto.String(options), ProtoFile: compile(t, files)}
	raw, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Run(bytes.NewReader(raw), &out); err != nil {
		t.Fatal(err)
	}
	response := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(out.Bytes(), response); err != nil {
		t.Fatal(err)
	}
	return response
}

// write returns what the plugin makes of files.
func write(t *testing.T, files map[string]string) (openAPI, typeScript string) {
	t.Helper()
	response := run(t, files, shelfOptions)
	if response.Error != nil || len(response.File) != 2 {
		t.Fatalf("error %q, %d files", response.GetError(), len(response.File))
	}
	return response.File[0].GetContent(), response.File[1].GetContent()
}

// compile returns the files and all that they import, what is imported first.
func compile(t *testing.T, files map[string]string) []*descriptorpb.FileDescriptorProto {
	t.Helper()
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{Accessor: func(path string) (io.ReadCloser, error) {
				if text, ok := files[path]; ok {
					return io.NopCloser(strings.NewReader(text)), nil
				}
				return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
			}},
			protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
				linked, err := protoregistry.GlobalFiles.FindFileByPath(path)
				return protocompile.SearchResult{Desc: linked}, err
			}),
		},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(t.Context(), slices.Sorted(maps.Keys(files))...)
	if err != nil {
		t.Fatal(err)
	}
	var all []*descriptorpb.FileDescriptorProto
	seen := make(map[string]bool)
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		all = append(all, protoutil.ProtoFromFileDescriptor(f))
	}
	for _, f := range compiled {
		add(f)
	}
	return all
}
