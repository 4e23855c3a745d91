// What things on the page are called by screen readers, which is how people in these
// plays find them. They are written down here a second time on purpose: a word that
// changes by mistake is a mistake.
const en = {
	signUp: "New account", signIn: "Sign in", asGuest: "As a guest",
	create: "Create account", come: "Sign in", visit: "Come in",
	name: "Name", shownAs: "Shown as", password: "Password", guestName: "Your name",
	conversations: "Conversations", find: "Find a conversation", newChat: "New chat", lobby: "Lobby",
	person: "One person", group: "Group", personName: "Name of the person", groupName: "Name of the group",
	members: "Who is in it", add: "Add", start: "Start", make: "Create",
	messages: "Messages", write: "Write a message", editing: "Editing your message", send: "Send", save: "Save", attach: "Add pictures",
	more: "More about this message", edit: "Edit", recall: "Recall", edited: "edited", recalledYou: "You recalled a message",
	you: "You", back: "Back", close: "Close", people: "People", viewPicture: "View the picture", again: "Again",
	signOut: "Sign out", other: "中文", begins: "This is where it begins.",
	unread: (n) => (n === 1 ? "1 unread message" : `${n} unread messages`),
};

const zh = {
	signUp: "注册", signIn: "登录", asGuest: "游客",
	create: "创建账号", come: "登录", visit: "进入",
	name: "用户名", shownAs: "昵称", password: "密码", guestName: "你的名字",
	conversations: "会话", find: "查找会话", newChat: "新会话", lobby: "大厅",
	person: "单聊", group: "群聊", personName: "对方的用户名", groupName: "群名称",
	members: "群成员", add: "添加", start: "开始", make: "创建",
	messages: "消息", write: "说点什么…", editing: "正在编辑消息", send: "发送", save: "保存", attach: "添加图片",
	more: "消息操作", edit: "编辑", recall: "撤回", edited: "已编辑", recalledYou: "你撤回了一条消息",
	you: "你", back: "返回", close: "关闭", people: "联系人", viewPicture: "查看图片", again: "重试",
	signOut: "退出登录", other: "English", begins: "对话从这里开始。",
	unread: (n) => `${n} 条未读消息`,
};

export const wordsOf = (locale) => (locale.startsWith("zh") ? zh : en);
