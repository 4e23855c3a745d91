package bots

import (
	"testing"

	"go.uber.org/goleak"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/demo"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func account(name string) demo.Account {
	for _, a := range demo.Accounts {
		if a.Name == name {
			return a
		}
	}
	panic("no account " + name)
}

func TestBotAnswersInTheLanguageOfTheQuestion(t *testing.T) {
	for _, test := range []struct {
		text string
		want language
	}{
		{"你好", chinese},
		{"hello there", english},
		{"zhugeliang，今晚有空吗？", chinese},
		{"诸葛亮, are you there?", english},
		{"军师 hi", english},
		{"worker 死了会怎样", chinese},
		{"Ça va?", english},
		{"👍 123", ""},
		{"zhugeliang", ""},
		{"", ""},
	} {
		if got := languageOf(account("zhugeliang"), test.text); got != test.want {
			t.Errorf("%q is %q, want %q", test.text, got, test.want)
		}
	}
}

func TestBotKnowsWhenItIsNamed(t *testing.T) {
	z := account("zhangfei")
	for text, want := range map[string]bool{
		"ZhangFei, come!": true, "三弟何在": true, "张飞！": true, "@zhangfei": true,
		"诸葛亮，你说": false, "zhang fei": false, "": false,
	} {
		if got := names(z, text); got != want {
			t.Errorf("%q names zhangfei: %v, want %v", text, got, want)
		}
	}
}

func TestTopicIsTold(t *testing.T) {
	for text, want := range map[string]topic{
		"hi": greeting, "this is it": anything, "你好！": greeting, "how are you": question, "谢谢你": thanks, "Thanks!": thanks,
		"再见": farewell, "what is a gateway?": parley, "今天好天气": anything, "": anything,
	} {
		if got := topicOf(&chatclient.Message{Text: text, Kind: chatv1.MessageKind_MESSAGE_KIND_TEXT}); got != want {
			t.Errorf("%q is about %s, want %s", text, got, want)
		}
	}
	if got := topicOf(&chatclient.Message{Kind: chatv1.MessageKind_MESSAGE_KIND_IMAGE}); got != picture {
		t.Errorf("a picture is about %s", got)
	}
}

func TestEveryBotHasWordsForEverything(t *testing.T) {
	for _, a := range demo.Accounts {
		if !a.Bot {
			continue
		}
		for _, l := range []language{chinese, english} {
			for _, about := range []topic{greeting, thanks, farewell, parley, question, picture, anything} {
				if len(answers[a.Name][l][about]) == 0 {
					t.Errorf("%s has no words in %s for %s", a.Name, l, about)
				}
			}
		}
	}
}
