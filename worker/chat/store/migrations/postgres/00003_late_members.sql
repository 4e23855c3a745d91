-- How late somebody came into a conversation: changes of older messages ask for that.
--
-- Members are written by every send, so it is built beside those, which no transaction
-- can do. A process that died meanwhile has left an index that is not whole.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS members_from;
CREATE INDEX CONCURRENTLY members_from ON members (conversation_id, from_seq);
