package bots

import (
	"strings"
	"unicode"

	"github.com/parley-im/parley/deploy/demo"
)

// language is one that bots speak.
type language string

// The languages.
const (
	chinese language = "zh"
	english language = "en"
)

// called is how people call a bot, besides its name and the one that is shown.
var called = map[string][]string{
	"zhugeliang": {"孔明", "军师", "卧龙", "诸葛", "kongming"},
	"zhangfei":   {"翼德", "三弟", "张三爷"},
}

// callings lists all that a bot is called.
func callings(a demo.Account) []string {
	return append([]string{a.Name, a.Display}, called[a.Name]...)
}

// names reports whether a text names a bot.
func names(a demo.Account, text string) bool {
	text = strings.ToLower(text)
	for _, name := range callings(a) {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// languageOf is the language of a text, names aside; "" when it has no letter.
func languageOf(a demo.Account, text string) language {
	text = strings.ToLower(text)
	for _, name := range callings(a) {
		text = strings.ReplaceAll(text, name, " ")
	}
	han, latin := 0, 0
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.IsLetter(r):
			latin++
		}
	}
	switch {
	case han == 0 && latin == 0:
		return ""
	case 3*han >= latin: // a character says as much as some letters
		return chinese
	}
	return english
}
