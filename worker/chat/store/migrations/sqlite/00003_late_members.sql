-- How late somebody came into a conversation: changes of older messages ask for that.

-- +goose Up
CREATE INDEX IF NOT EXISTS members_from ON members (conversation_id, from_seq);
