package docs

import (
	"strings"
	"testing"
)

const (
	readmeEN = "# Parley\n[中文](README.zh-CN.md)\n## Start\n```sh\nmake run # everything\n```\n[a](a.md) [b](b.md)\n\n1. [x](x.go)\n"
	readmeZH = "# Parley\n[English](README.md)\n## 开始\n```sh\nmake run # 全部\n```\n[乙](b.md) [甲](a.md)\n\n1. [某](x.go)\n"
)

func TestEqualReadmesPass(t *testing.T) {
	if got := compare(parse(english, readmeEN), parse(chinese, readmeZH)); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestDifferencesOfReadmesAreFound(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"heading level", "## 开始", "### 开始", "heading 2: "},
		{"heading gone", "## 开始", "开始", "heading 2: "},
		{"command", "make run", "make rum", "code block 1: "},
		{"kind of block", "```sh\n", "```sh run\n", "code block 1: "},
		{"link", "(b.md)", "(c.md)", "link "},
		{"reading path", "1. [某]", "[某]", "item of the reading path 1: "},
	} {
		got := compare(parse(english, readmeEN), parse(chinese, strings.Replace(readmeZH, test.old, test.new, 1)))
		if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("%s: got %q, want one problem starting with %q", test.name, got, test.want)
		}
	}
}

func TestReadmeFitsOneScreen(t *testing.T) {
	long := parse(english, readmeEN+strings.Repeat("more\n", screenLines))
	if got := readable(long); len(got) != 1 || !strings.Contains(got[0], "one screen") {
		t.Errorf("got %q, want one problem", got)
	}
	far := parse(english, readmeEN+strings.Repeat("1. [x](x.go)\n", maxPath))
	if got := readable(far); len(got) != 1 || !strings.Contains(got[0], "has 9 items") {
		t.Errorf("got %q, want one problem", got)
	}
	if got := readable(parse(english, "# Parley\n")); len(got) != 1 {
		t.Errorf("no reading path: got %q, want one problem", got)
	}
}
