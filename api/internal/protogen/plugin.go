package protogen

import (
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// Run reads the request of a compiler from in and writes the answer to out. What is
// wrong with the protos or the options is in the answer, where the compiler looks for
// it; an error means that the two did not understand each other.
func Run(in io.Reader, out io.Writer) error {
	raw, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var request pluginpb.CodeGeneratorRequest
	if err := proto.Unmarshal(raw, &request); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	response := &pluginpb.CodeGeneratorResponse{
		SupportedFeatures: proto.Uint64(uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)),
	}
	if response.File, err = generate(&request); err != nil {
		response.Error = proto.String(err.Error())
	}
	if raw, err = proto.Marshal(response); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	_, err = out.Write(raw)
	return err
}

// options are what the opt of the plugin says. A file without a name is not written.
type options struct {
	service    protoreflect.FullName
	openAPI    string
	frame      string // of the OpenAPI document: "" or push
	typeScript string
}

func parseOptions(parameter string) (o options, err error) {
	for pair := range strings.SplitSeq(parameter, ",") {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "service":
			o.service = protoreflect.FullName(value)
		case "openapi":
			o.openAPI = value
		case "frame":
			if _, ok := frameOf[value]; !ok {
				return o, fmt.Errorf("there is no frame %q", value)
			}
			o.frame = value
		case "typescript":
			o.typeScript = value
		default:
			return o, fmt.Errorf("option %q is none of service, openapi, frame and typescript", pair)
		}
	}
	return o, nil
}

func generate(request *pluginpb.CodeGeneratorRequest) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	o, err := parseOptions(request.GetParameter())
	if err != nil {
		return nil, err
	}
	files, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: request.GetProtoFile()})
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName(o.service)
	service, ok := found.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		return nil, fmt.Errorf("no service %q: the plugin has to see all files at once (strategy: all)", o.service)
	}
	c, err := newContract(service, files)
	if err != nil {
		return nil, err
	}

	var out []*pluginpb.CodeGeneratorResponse_File
	write := func(name, content string) {
		out = append(out, &pluginpb.CodeGeneratorResponse_File{Name: proto.String(name), Content: proto.String(content)})
	}
	if o.openAPI != "" {
		document, err := openAPI(c, frameOf[o.frame])
		if err != nil {
			return nil, err
		}
		write(o.openAPI, document)
	}
	if o.typeScript != "" {
		types, err := typeScript(c)
		if err != nil {
			return nil, err
		}
		write(o.typeScript, types)
	}
	return out, nil
}
