/* Makes the command another build of itself: something that is in no other. */
const char dragoman_other_build[] = "another build";
