-- Give the rights of a user another name, which voids his grants.
-- KEYS[1]  the user record
-- ARGV     name, control channel, control message
-- Who has no record has no valid login, and no grant that opens anything.
local name, channel, message = unpack(ARGV)
if redis.call('HEXISTS', KEYS[1], 'auth') == 1 then
  redis.call('HSET', KEYS[1], 'rights', name)
  redis.call('PUBLISH', channel, message)
end
