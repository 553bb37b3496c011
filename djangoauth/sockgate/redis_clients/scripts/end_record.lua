-- End the record of a session or of a user, and notify the gateways, in one step.
-- KEYS[1]  the record
-- ARGV     control channel, control message, [new sid, seconds]
--          for a session that moves to a new key: its new sid is left under the old one, so long
-- Returns  the user of the session's record; nil when there was no record
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
