/** Types of `sockgate/tag`. */

/** The header that names the connection of a page. */
export declare const HEADER: "X-Sockgate-Connection";

/**
 * Name the connection of this page in its requests to its own origin that may change something (POST, PUT, PATCH, DELETE), for
 * `publish(…, exclude=request)` in Django. Returns a function that ends it.
 */
export declare function tagRequests(rt: { connection: string }): () => void;

export as namespace SockgateTag;
