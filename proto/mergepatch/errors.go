package mergepatch

import "errors"

// Why a patch is not applied. Test with errors.Is.
var (
	// ErrDocument: the document is no JSON object in UTF-8.
	ErrDocument = errors.New("what is there is no JSON object")
	// ErrPatch: the patch is no run of JSON objects in UTF-8.
	ErrPatch = errors.New("a merge patch is a JSON object")
	// ErrDeep: objects of the patch lie more than MaxDepth deep in each other.
	ErrDeep = errors.New("a merge patch has at most 64 objects within each other")
	// ErrMany: there are more than MaxPatches.
	ErrMany = errors.New("at most 64 merge patches are applied at once")
	// ErrTooLarge: the result, or what one of several patches makes of it on the way, is
	// larger than the caller allows, or the patch does not fit that.
	ErrTooLarge = errors.New("the session would be too large")
)
