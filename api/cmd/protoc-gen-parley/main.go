// Command protoc-gen-parley is a plugin of protoc and buf that writes the OpenAPI
// document and the TypeScript types of the chat. `make generate` runs it.
package main

import (
	"fmt"
	"os"

	"github.com/parley-im/parley/api/internal/protogen"
)

func main() {
	if err := protogen.Run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "protoc-gen-parley:", err)
		os.Exit(1)
	}
}
