package worker

import (
	"fmt"
	"os"
	"strings"
)

// minSecretBytes keeps secrets from being guessed by whoever sees a handshake pass.
const minSecretBytes = 16

// readSecrets reads the secrets from the environment or a file, never from both. Its
// errors do not show them.
func (s *settings) readSecrets() ([]string, error) {
	from, text := s.lookup("secret")
	switch file := s.files.secrets; {
	case from != "" && file != "":
		return nil, fmt.Errorf("secret-file, %s: both are set; keep one", from)
	case from == "" && file == "":
		return nil, nil
	case from == "":
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("secret-file: %w", err)
		}
		from, text = "secret-file", string(b)
	}
	secrets := strings.Fields(text)
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s: there is no secret in it", from)
	}
	for i, secret := range secrets {
		if len(secret) < minSecretBytes {
			return nil, fmt.Errorf("%s: secret %d has %d bytes, at least %d are needed", from, i+1, len(secret), minSecretBytes)
		}
	}
	return secrets, nil
}
