-- Give the rights of a user a new name, which makes the user's grants void.
-- KEYS[1]  the user record
-- ARGV     name, control channel, control message
-- A user without a record has no valid login and no valid grant.
local name, channel, message = unpack(ARGV)
if redis.call('HEXISTS', KEYS[1], 'auth') == 1 then
  redis.call('HSET', KEYS[1], 'rights', name)
  redis.call('PUBLISH', channel, message)
end
