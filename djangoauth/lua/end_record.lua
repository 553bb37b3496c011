-- End the record of a session or of a user, and tell the gateways: both or neither.
-- KEYS[1]  the record
-- ARGV     control channel, control message
-- Returns  the user of a session's record, 1 when there was a record
local found = redis.pcall('HGET', KEYS[1], 'user')
local was_there = redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return {type(found) == 'string' and found, was_there}
