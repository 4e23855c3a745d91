//go:build !linux

package load

import "errors"

func pin(int) (undo func(), err error) { return nil, errors.New("--pin needs Linux") }
