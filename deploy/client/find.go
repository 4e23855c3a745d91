package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Found is a gateway that api tells of.
type Found struct {
	URL  string `json:"url"`
	Load int    `json:"load"`
}

// Find asks an api, at its base URL, where to open a socket. They come in the order in which
// this client is to try them: whoever takes the first is spread with all others who ask.
func Find(ctx context.Context, api string) ([]Found, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(api, "/")+"/v1/gateways", nil)
	if err != nil {
		return nil, fmt.Errorf("find gateways: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("find gateways: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("find gateways: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("find gateways: %d %.200s", resp.StatusCode, body)
	}
	var answer struct {
		Gateways []Found `json:"gateways"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("find gateways: %w", err)
	}
	return answer.Gateways, nil
}
