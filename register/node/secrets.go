package node

import (
	"fmt"
	"os"
	"strings"
)

// minSecretBytes keeps secrets from being guessed by whoever sees a handshake pass.
const minSecretBytes = 16

// readSecrets reads the secrets of the cluster from the environment or a file, never
// from both. Its errors name where they are from and never what they are.
func readSecrets(role string, env environment, file string) ([]string, error) {
	name, text, set := env.first(envNames(role, "secret", true))
	switch {
	case set && file != "":
		return nil, fmt.Errorf("--secret-file, %s: both are set; keep one", name)
	case !set && file == "":
		return nil, nil
	case !set:
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
		name, text = "--secret-file", string(b)
	}
	secrets := strings.Fields(text)
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s: there is no secret in it", name)
	}
	for i, s := range secrets {
		if len(s) < minSecretBytes {
			return nil, fmt.Errorf("%s: secret %d has %d bytes, at least %d are needed; one is made by: openssl rand -base64 32", name, i+1, len(s), minSecretBytes)
		}
	}
	return secrets, nil
}
