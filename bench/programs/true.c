/* startup: does nothing; what is measured is how long that takes. */
int main(void)
{
    return 0;
}
