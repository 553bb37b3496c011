-- End the record of a session or of a user, and tell the gateways: both or neither.
-- KEYS[1]  the record
-- ARGV     control channel, control message, [new sid, seconds]
--          of a session that goes on under another key, this is left for so long: where it went
-- Returns  the user of a session's record; nil when there was none
local channel, message, moved_to, seconds = unpack(ARGV)
local found = redis.pcall('HGET', KEYS[1], 'user')
local is_session = type(found) == 'string'
redis.call('DEL', KEYS[1])
if moved_to and is_session then
  redis.call('HSET', KEYS[1], 'moved', moved_to)
  redis.call('EXPIRE', KEYS[1], seconds)
end
redis.call('PUBLISH', channel, message)
return is_session and found
