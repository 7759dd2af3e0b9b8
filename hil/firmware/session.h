/* The session with the bench, for either role and pace. */

#ifndef SESSION_H
#define SESSION_H

/* Sends Hello, and recovers what a restart has left. */
void session_start(void);

/* Takes what has arrived, and runs what is due. */
void session_turn(void);

#endif
