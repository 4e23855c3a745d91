module github.com/parley-im/parley/ci/checks

go 1.26.0
