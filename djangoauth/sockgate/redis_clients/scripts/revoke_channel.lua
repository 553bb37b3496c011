-- Mark a channel as revoked for a user, and notify the gateways, in one step.
-- KEYS[1]  the revoked channels of the user, a hash: channel to Unix seconds
-- ARGV     channel, Unix seconds, TTL in seconds, control channel, control message
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
