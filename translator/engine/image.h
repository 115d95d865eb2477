/* Images: translations as they are kept on disk. The format; what the engine does with it is in store.c.
 *
 * An image holds translations of one piece of guest memory (a mapping of a file), by page:
 *
 *     struct image_head
 *     struct image_page [npages]    in the order of their pieces
 *     u32 [npages]                  which of them comes first by its number, which next
 *     pieces, one for each page     struct image_piece, keys, tails, states, blocks, exits, those that lead out of it,
 *                                   relocations, pcs, marks
 *     struct image_in []            of each page in turn: which exits of other pages lead to it
 *     from a page's begin on:       the host code of each piece, followed by its ways
 *
 * Pieces, and their code likewise, are in the order in which somebody came to their pages for the first time: what all
 * programs need to start lies side by side, and is mapped by few page faults however much there is behind it.
 *
 * Guest pcs are absolute: an image is for one address. Host code is right for where the head says that it shall lie,
 * as are numbers of exits (store.c, "In place"); exits that lead to a block of the same piece do so already, the others
 * to their ways, which are jumps through their slots. There are no stubs: who copies code makes them. A piece has a
 * list of the exits that lead out of it, where to if that is a block of another piece, and one of those that lead to it
 * from others: so whichever of two pieces is entered last, all that leads from one to the other is linked then, in the
 * order in which it lies in memory.
 *
 * Blocks are in order of guest pc, and of code key where that is the same, and so is their code: what is looked for by
 * pc, by offset or by exit is found by halving.
 *
 * Nothing is believed: the head with the table of pages has a checksum, and so has each piece, which is looked at when
 * it is wanted. That a piece fits together was looked at when it was written (image_sound), by the same build, as the
 * key says. The hash of the guest page that the blocks were made from says whether they are what its present bytes
 * would give.
 *
 * Words have the byte order of the host: the key has the host's name in it. */
#pragma once

#include "translator/engine/marks.h"

#define IMAGE_MAGIC 0x3867616d692e6764ull /* with the format's version */
#define IMAGE_PAGE  4096u
#define IMAGE_MOST  (64u << 20) /* bytes */
#define IMAGE_ALIGN 64u         /* code: cache lines (exits.c of x86-64) */

struct image_head {
    u64 magic;
    u64 key;        /* what else code depends on: the engine's build, its options, the host's features */
    u64 start, len; /* guest memory */
    u32 npages;
    u32 size; /* of all of it */
    u32 in;   /* where all its image_in begin, */
    u32 nin;  /* and how many there are */
    u32 text; /* where host code begins: a multiple of IMAGE_PAGE, as is the size of it */
    u32 at;   /* where it runs without a change: so far behind the begin of the common code, if */
    u64 own;  /* the program lies here */
    u64 sum;  /* of the head, with 0 here, and of what stands before the pieces */
};

struct image_page {
    u32 number; /* from `start` */
    u32 nblocks;
    u32 off, size; /* of its piece; off is a multiple of 8 */
    u64 source;    /* hash of the page of guest memory */
    u64 sum;       /* of its piece and code */
    u32 code;      /* where that begins behind image_head.text; a multiple of IMAGE_ALIGN */
    u32 exit;      /* how many exits pieces before it have */
    u32 outer;     /* how many of these lead out of their piece */
    u32 in, nin;   /* which of the image's image_in are its own */
};

struct image_piece {
    u32 nblocks, nexits, nstate, nrelocs;
    u16 nkeys, ntails;
    u32 nouters;
    u32 marks_size; /* bytes */
    u32 code_size;
};

/* What a trial found when a region was to take a block's place. */
enum image_judged { IMAGE_UNTRIED, IMAGE_LOST, IMAGE_WON };

struct image_block {
    u32 code_off;                 /* in the piece's code */
    u32 exit, state, mark, reloc; /* where its own begin among its piece's; they end where the next block's begin */
    u16 code_size;                /* more is not stored */
    u16 at;                       /* guest pc in its page */
    u16 len;                      /* bytes of guest code */
    u16 key;                      /* which of the piece's code keys */
    u16 tail;  /* which of its hashes is of those of its guest bytes that are on the next page, if any */
    u8 known;  /* 1: host code in place of what the guest has there */
    u8 judged; /* enum image_judged: of a region in its place */
};

struct image_exit {
    s32 pc;       /* from the page's begin */
    u16 site_off; /* in its block's code */
    u16 to;       /* 1 + the block of the piece to which it leads, or 0: out of it */
};
/* Exit `exit` leads out of its piece. `page`: 0, or 1 + the table's number of a page whose piece has a block there, the
 * code of which begins at `code` of the piece's, less IMAGE_KNOWN: with it, it is host code in place of a routine. */
struct image_outer {
    u16 exit, page;
    u32 code;
};
/* That number `outer` of the piece of the table's page number `page` leads to block number `block`. */
struct image_in {
    u16 page, outer, block;
};
#define IMAGE_KNOWN      1u
#define IMAGE_MOST_CODE  0xffffu /* bytes of a block */
#define IMAGE_MOST_EXITS 0xffffu /* of a piece */

/* A piece that was checked. */
struct image_view {
    const struct image_piece *piece;
    gva_t pc; /* where its page begins */
    const u64 *keys, *tails;
    const u64 *state;                 /* words of host_code.state */
    const struct image_block *blocks; /* one more than there are, which has but ends */
    const struct image_exit *exits;
    const struct image_outer *outers; /* by exit */
    const u32 *relocs;                /* offsets in the piece's code */
    const u16 *at;                    /* image_block.at of each: close together, as most of a look-up is to find it */
    const u8 *marks;                  /* marks.h; of each block from the begin on */
    const struct image_in *in;
    u32 nin;
    const u8 *code;         /* image_code_size bytes */
    u32 first, exit, outer; /* of image_page: where it begins in all code, how many exits there are before */
};

/* Bytes of such a piece, a multiple of 8. */
u64 image_piece_size(const struct image_piece *p);
/* Bytes of its code with the ways out (store.c), a multiple of IMAGE_ALIGN; where these begin: those of the exits that
 * lead out of it, and then room for the others'. */
u64 image_code_size(const struct image_piece *p);
u64 image_ways(const struct image_piece *p);
/* Where its parts are, given where it and its page are, but for the code and image_in. */
void image_view(struct image_view *v, const void *piece, gva_t pc);

/* Is this an image with that key, of that memory? Its pieces are not looked at. */
bool image_check(const void *data, size_t size, u64 key, gva_t start, u64 len) MUST_USE;
/* Its table of pages; the order of their numbers, behind that. */
const struct image_page *image_pages(const void *data);
const u32 *image_order(const void *data);
/* Where a page begins in guest memory. */
gva_t image_page_pc(const void *data, const struct image_page *p);
/* The entry of a page, or NULL. Of a checked image. */
const struct image_page *image_find(const void *data, u32 number);
/* Those that lead to page p. */
const struct image_in *image_in(const void *data, const struct image_page *p);
/* How many blocks it has. */
u32 image_blocks(const void *data);
/* Is the piece of page p of a checked image, whose code is mapped at `text`, as it was written? Fills v. */
bool image_open(const void *data, const u8 *text, const struct image_page *p, struct image_view *v) MUST_USE;
/* All code of an image as it lies. */
const u8 *image_text(const void *data);
/* Does what the parts of a piece say of one another fit together? */
bool image_sound(const struct image_view *v) MUST_USE;
/* How many exits before that one lead out of the piece. */
u32 image_outer_at(const struct image_view *v, u32 exit);
/* The block at `at` with that key; the number of blocks if there is none. */
u32 image_block_at(const struct image_view *v, u32 at, u64 key);
/* The last block whose code begins at `off` or before; likewise. */
u32 image_block_of(const struct image_view *v, u32 off);
/* Whose exit `exit` is. */
u32 image_owner(const struct image_view *v, u32 exit);
/* Where an exit leads. */
static inline gva_t image_exit_pc(const struct image_view *v, u32 exit)
{
    return v->pc + (u64)(s64)v->exits[exit].pc;
}

/* The checksums of a head with its table; of a piece. */
u64 image_head_sum(const void *data);
u64 image_piece_sum(const struct image_view *v, u32 size, u64 key, u32 number);
