package chatclient

import (
	"context"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// ask is Do for the rpcs below: each asks until there is an answer for good.
func ask[Res proto.Message](ctx context.Context, c *Client, method string, req proto.Message, res Res) (Res, error) {
	if err := c.Do(ctx, method, req, res); err != nil {
		var none Res
		return none, err
	}
	return res, nil
}

// GetUsers returns what everybody may know of users, by id and by name.
func (c *Client) GetUsers(ctx context.Context, ids, names []string) (*chatv1.GetUsersResponse, error) {
	return ask(ctx, c, "getUsers", &chatv1.GetUsersRequest{Ids: ids, Names: names}, &chatv1.GetUsersResponse{})
}

// CreateDirect returns the conversation with a user.
func (c *Client) CreateDirect(ctx context.Context, user string) (*chatv1.CreateDirectResponse, error) {
	return ask(ctx, c, "createDirect", &chatv1.CreateDirectRequest{User: user}, &chatv1.CreateDirectResponse{})
}

// CreateGroup makes a group chat.
func (c *Client) CreateGroup(ctx context.Context, name string, users ...string) (*chatv1.CreateGroupResponse, error) {
	return ask(ctx, c, "createGroup", &chatv1.CreateGroupRequest{Name: name, Users: users}, &chatv1.CreateGroupResponse{})
}

// CreateRoom makes a room.
func (c *Client) CreateRoom(ctx context.Context, name string) (*chatv1.CreateRoomResponse, error) {
	return ask(ctx, c, "createRoom", &chatv1.CreateRoomRequest{Name: name}, &chatv1.CreateRoomResponse{})
}

// JoinRoom makes the user a member of a room. Its messages come when it is opened.
func (c *Client) JoinRoom(ctx context.Context, name string) (*chatv1.JoinRoomResponse, error) {
	return ask(ctx, c, "joinRoom", &chatv1.JoinRoomRequest{Name: name}, &chatv1.JoinRoomResponse{})
}

// AddMembers adds users to a group chat.
func (c *Client) AddMembers(ctx context.Context, conversation string, users ...string) (*chatv1.AddMembersResponse, error) {
	return ask(ctx, c, "addMembers", &chatv1.AddMembersRequest{Conversation: conversation, Users: users}, &chatv1.AddMembersResponse{})
}

// LeaveConversation takes the user out of a group chat or a room.
func (c *Client) LeaveConversation(ctx context.Context, conversation string) (*chatv1.LeaveConversationResponse, error) {
	return ask(ctx, c, "leaveConversation", &chatv1.LeaveConversationRequest{Conversation: conversation}, &chatv1.LeaveConversationResponse{})
}

// GetConversation returns a conversation as the user sees it.
func (c *Client) GetConversation(ctx context.Context, conversation string) (*chatv1.GetConversationResponse, error) {
	return ask(ctx, c, "getConversation", &chatv1.GetConversationRequest{Conversation: conversation}, &chatv1.GetConversationResponse{})
}

// ListConversations returns a page of the user's conversations.
func (c *Client) ListConversations(ctx context.Context, after string) (*chatv1.ListConversationsResponse, error) {
	return ask(ctx, c, "listConversations", &chatv1.ListConversationsRequest{After: after}, &chatv1.ListConversationsResponse{})
}

// ListMembers returns a page of those who are in a conversation.
func (c *Client) ListMembers(ctx context.Context, conversation, after string) (*chatv1.ListMembersResponse, error) {
	return ask(ctx, c, "listMembers", &chatv1.ListMembersRequest{Conversation: conversation, After: after}, &chatv1.ListMembersResponse{})
}

// OpenConversation makes the client look at a conversation, on this conn and on those
// after it, until CloseConversation.
func (c *Client) OpenConversation(ctx context.Context, conversation string) (*chatv1.OpenConversationResponse, error) {
	return ask(ctx, c, "openConversation", &chatv1.OpenConversationRequest{Conversation: conversation}, &chatv1.OpenConversationResponse{})
}

// CloseConversation ends that.
func (c *Client) CloseConversation(ctx context.Context, conversation string) (*chatv1.CloseConversationResponse, error) {
	return ask(ctx, c, "closeConversation", &chatv1.CloseConversationRequest{Conversation: conversation}, &chatv1.CloseConversationResponse{})
}

// GetMessages returns a page of messages; the screen does not change by it.
func (c *Client) GetMessages(ctx context.Context, req *chatv1.GetMessagesRequest) (*chatv1.GetMessagesResponse, error) {
	return ask(ctx, c, "getMessages", req, &chatv1.GetMessagesResponse{})
}

// EditMessage replaces the text of a message of the user's, as it is on the screen.
func (c *Client) EditMessage(ctx context.Context, conversation string, seq int64, text string) (*chatv1.EditMessageResponse, error) {
	req := &chatv1.EditMessageRequest{Conversation: conversation, Seq: seq, Text: text, BaseRev: c.revOf(conversation, seq)}
	return ask(ctx, c, "editMessage", req, &chatv1.EditMessageResponse{})
}

// revOf is the rev that a message shows; 0 for one that is not kept.
func (c *Client) revOf(conversation string, seq int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.conversations[conversation]; v != nil && v.now[seq] != nil {
		return v.now[seq].Rev
	}
	return 0
}

// RecallMessage takes the text of a message away.
func (c *Client) RecallMessage(ctx context.Context, conversation string, seq int64) (*chatv1.RecallMessageResponse, error) {
	return ask(ctx, c, "recallMessage", &chatv1.RecallMessageRequest{Conversation: conversation, Seq: seq}, &chatv1.RecallMessageResponse{})
}

// GetChanges returns a page of changes; the screen does not change by it.
func (c *Client) GetChanges(ctx context.Context, conversation string, after int64) (*chatv1.GetChangesResponse, error) {
	return ask(ctx, c, "getChanges", &chatv1.GetChangesRequest{Conversation: conversation, After: after}, &chatv1.GetChangesResponse{})
}

// MarkRead raises the user's read mark.
func (c *Client) MarkRead(ctx context.Context, conversation string, seq int64) (*chatv1.MarkReadResponse, error) {
	return ask(ctx, c, "markRead", &chatv1.MarkReadRequest{Conversation: conversation, Seq: seq}, &chatv1.MarkReadResponse{})
}

// SetTyping tells others that the user types. It is tried once: a moment later it would
// say nothing.
func (c *Client) SetTyping(ctx context.Context, conversation string, typing bool) error {
	return c.Call(ctx, "setTyping", &chatv1.SetTypingRequest{Conversation: conversation, Typing: typing}, &chatv1.SetTypingResponse{})
}

// GetPresence returns who is there.
func (c *Client) GetPresence(ctx context.Context, users ...string) (*chatv1.GetPresenceResponse, error) {
	return ask(ctx, c, "getPresence", &chatv1.GetPresenceRequest{Users: users}, &chatv1.GetPresenceResponse{})
}

// SignOut ends the sign-in: the refresh token is worth nothing any more, and the conn
// ends with its token.
func (c *Client) SignOut(ctx context.Context) error {
	_, err := ask(ctx, c, "signOut", &chatv1.SignOutRequest{Refresh: c.Tokens().GetRefresh()}, &chatv1.SignOutResponse{})
	return err
}

// SignUp makes an account over a conn of its own. See [Once].
func SignUp(ctx context.Context, cfg Config, req *chatv1.SignUpRequest) (*chatv1.SignUpResponse, error) {
	res := &chatv1.SignUpResponse{}
	return res, Once(ctx, cfg, "signUp", req, res)
}

// SignIn signs in over a conn of its own. See [Once].
func SignIn(ctx context.Context, cfg Config, req *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	res := &chatv1.SignInResponse{}
	return res, Once(ctx, cfg, "signIn", req, res)
}
