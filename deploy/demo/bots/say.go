package bots

import (
	"strings"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// topic is what a message is about, as far as a bot of few words can tell.
type topic string

// The topics. The order of topics is the one in which they are looked for.
const (
	greeting topic = "greeting"
	thanks   topic = "thanks"
	farewell topic = "farewell"
	parley   topic = "parley"
	question topic = "question"
	picture  topic = "picture"
	anything topic = "anything"
)

// topics has words that tell a topic, in lower case. Those of Latin letters stand alone
// in a text, the others anywhere.
var topics = []struct {
	topic topic
	words []string
}{
	{thanks, []string{"谢", "thanks", "thank", "thx"}},
	{farewell, []string{"再见", "拜拜", "晚安", "告辞", "bye", "goodbye"}},
	{parley, []string{"parley", "gateway", "worker"}},
	{question, []string{"？", "?", "吗", "什么", "怎么", "为何", "如何", "几", "谁", "what", "who", "how", "why", "where", "when"}},
	{greeting, []string{"你好", "您好", "在吗", "嗨", "早", "hello", "hi", "hey", "morning"}},
}

// topicOf finds the topic of a message.
func topicOf(m *chatclient.Message) topic {
	if m.Kind == chatv1.MessageKind_MESSAGE_KIND_IMAGE {
		return picture
	}
	text := strings.ToLower(m.Text)
	words := strings.FieldsFunc(text, func(r rune) bool { return r < 'a' || r > 'z' })
	alone := map[string]bool{}
	for _, w := range words {
		alone[w] = true
	}
	for _, t := range topics {
		for _, w := range t.words {
			if alone[w] || (w[0] < 'a' || w[0] > 'z') && strings.Contains(text, w) {
				return t.topic
			}
		}
	}
	return anything
}

// say is what a bot answers. What it says to the same is not always the same.
func say(bot string, l language, m *chatclient.Message) string {
	if l == "" {
		l = chinese
	}
	lines := answers[bot][l][topicOf(m)]
	if len(lines) == 0 {
		return "……"
	}
	return lines[int(m.Seq)%len(lines)]
}

// answers are all lines.
var answers = map[string]map[language]map[topic][]string{
	"zhugeliang": {
		chinese: {
			greeting: {"亮在此，请讲。", "久候了。今日有何事？"},
			thanks:   {"不必客气。", "分内之事。"},
			farewell: {"慢走，后会有期。", "夜深了，早些歇息。"},
			parley:   {"杀一个 worker 试试：话不会丢，也不会重。", "gateway 守门，worker 出谋，各司其职。"},
			question: {"此事易耳，容亮细想。", "且待东风起，便见分晓。", "问得好。谋定而后动，不急。"},
			picture:  {"好画，颇有意境。", "此图甚妙，亮收下了。"},
			anything: {"亮记下了。", "言之有理。", "善。", "此言深得我心。"},
		},
		english: {
			greeting: {"Zhuge Liang here. What can I do for you?", "Good to see you. What is on your mind?"},
			thanks:   {"You are welcome.", "It was nothing."},
			farewell: {"Farewell, until we meet again.", "Sleep well."},
			parley:   {"Kill a worker and see: no message is lost, and none comes twice.", "Gateways keep the door, workers do the thinking."},
			question: {"Let me think about that for a moment.", "Wait for the east wind, then you will see.", "A good question. First the plan, then the move."},
			picture:  {"A fine picture.", "Very nice. I shall keep it."},
			anything: {"I see.", "Well said.", "I shall remember that.", "Quite so."},
		},
	},
	"zhangfei": {
		chinese: {
			greeting: {"哈哈，俺来了！", "俺是燕人张翼德！有话快说！"},
			thanks:   {"自家兄弟，谢啥！", "请俺喝酒便是！"},
			farewell: {"走好！下回喝酒！", "俺也去睡了！"},
			parley:   {"俺一声吼，gateway 都不带断的！", "worker 倒一个，还有一个顶上！"},
			question: {"这个嘛……去问军师！", "俺是粗人，喝一碗再想！", "管他呢，干就完了！"},
			picture:  {"好图！挂俺营里！", "哈哈，画得好！"},
			anything: {"说得好！", "俺也一样！", "痛快！", "来，喝一碗！"},
		},
		english: {
			greeting: {"Ha! Zhang Fei is here!", "Zhang Fei of Yan! Speak up!"},
			thanks:   {"No thanks among brothers!", "Pay me in wine!"},
			farewell: {"Go well! Next time we drink!", "I am off to bed too!"},
			parley:   {"I roar, and still no socket drops!", "One worker falls, another takes its place!"},
			question: {"Hm. Ask Zhuge Liang!", "Let me have a bowl of wine first, then I think!", "Who cares? Let us just do it!"},
			picture:  {"Great picture! It goes up in my camp!", "Ha, well drawn!"},
			anything: {"Well said!", "Same here!", "Ha!", "Come, have a drink!"},
		},
	},
}
