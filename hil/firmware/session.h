/* The conversation with the bench, of either role and in either pace. */

#ifndef SESSION_H
#define SESSION_H

/* Says hello, and takes up what a restart has left. */
void session_start(void);

/* Takes what has arrived and does what is due. */
void session_turn(void);

#endif
